// SPDX-License-Identifier: Apache-2.0
//
// The plan dialect: what an artifact will do, step by step. No tensors: buffers with static places, and
// steps that hand them to kernels. It serializes one to one into the program of runtime/schema.
#ifndef CORNET_PLAN_TD
#define CORNET_PLAN_TD

include "mlir/IR/AttrTypeBase.td"
include "mlir/IR/OpBase.td"
include "mlir/IR/SymbolInterfaces.td"

def Plan_Dialect : Dialect {
  let name = "plan";
  let cppNamespace = "::cornet::plan";
  let summary = "Execution plans: buffers with static places and steps over them.";
  let usePropertiesForAttributes = 0;
  let useDefaultTypePrinterParser = 1;
}

def Plan_BufferType : TypeDef<Plan_Dialect, "Buffer"> {
  let mnemonic = "buffer";
  let summary = "A place in memory that steps read or write";
}

class Plan_Op<string mnemonic, list<Trait> traits = []> : Op<Plan_Dialect, mnemonic, traits>;

def Plan_EntryOp : Plan_Op<"entry", [Symbol, IsolatedFromAbove, NoTerminator, SingleBlock]> {
  let summary = "The plan of one entry point for one batch size and one ISA level";
  let description = [{
    `batch` in rows, `arena` in bytes. Constraint plan_c1: every arena buffer lies inside the arena, every ring inside the
    `rings`, whose bytes are used besides the first `banded` bytes of the arena when all steps that can take turns do.
  }];
  let arguments = (ins SymbolNameAttr:$sym_name, StrAttr:$isa, I64Attr:$batch, I64Attr:$arena,
                       DefaultValuedAttr<I64Attr, "0">:$rings, DefaultValuedAttr<I64Attr, "0">:$banded);
  let regions = (region SizedRegion<1>:$body);
  let hasVerifier = 1;
  let assemblyFormat = "$sym_name `for` $isa `batch` $batch `arena` $arena attr-dict-with-keyword $body";
}

def Plan_BufferOp : Plan_Op<"buffer", [HasParent<"EntryOp">]> {
  let summary = "A buffer: in the arena or among the weights at an offset, or the caller's";
  let description = [{
    `storage` is arena, weights, input, output or variable. `index` counts inputs, outputs or variables; `offset` and `size` are bytes.
    Constraints: plan_c2 a known storage; plan_c3 sizes and offsets not negative, offsets in multiples of 64.

    While the steps that use it take turns, an arena buffer with a `period` may be a ring of so many bytes at `ring` of the
    plan's rings: byte x of the buffer is byte x modulo `period`, and in band b the bytes before turns[b] * `period` are done
    with.
  }];
  let arguments = (ins StrAttr:$storage, I64Attr:$index, I64Attr:$offset, I64Attr:$size,
                       DefaultValuedAttr<I64Attr, "0">:$ring, DefaultValuedAttr<I64Attr, "0">:$period,
                       DefaultValuedAttr<DenseI64ArrayAttr, "{}">:$turns);
  let results = (outs Plan_BufferType:$result);
  let hasVerifier = 1;
  let assemblyFormat = "$storage $index `at` $offset `size` $size attr-dict";
}

def Plan_StepOp : Plan_Op<"step", [HasParent<"EntryOp">]> {
  let summary = "One call of a kernel: its inputs, then its result; tiles may be split among threads";
  let description = [{
    `scratch` is bytes of working space that each thread that computes tiles has for its own. `work` is {flops, bytes read,
    bytes written, bytes of weights}. Constraint plan_c4: at least one buffer and one tile, scratch in multiples of 64, four
    numbers of work.

    A step with `bands` takes turns with the steps before and after it: the first band of each in their order, then the second
    of each, and so on. `bands` are the ends of ranges of tiles, the last one `tiles`. Such a group begins with a step that does
    not `follow` and goes on while steps do. Constraint plan_c5: ends ascend, and the steps of a group have equally many.
  }];
  let arguments = (ins StrAttr:$kernel, Variadic<Plan_BufferType>:$buffers, I64Attr:$tiles, StrAttr:$layer, StrAttr:$summary,
                       StrAttr:$implementation, DefaultValuedAttr<I64Attr, "0">:$scratch, DenseI64ArrayAttr:$work,
                       DefaultValuedAttr<DenseI64ArrayAttr, "{}">:$bands, UnitAttr:$follows);
  let hasVerifier = 1;
  let assemblyFormat = "$kernel `(` $buffers `)` `tiles` $tiles `layer` $layer `does` $summary `by` $implementation `work` $work attr-dict";
}

#endif
