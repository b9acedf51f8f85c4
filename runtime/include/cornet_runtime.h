/* SPDX-License-Identifier: Apache-2.0
 *
 * Cornet's runtime: loads a compiled model and runs it. C99.
 *
 * Rules
 *  - Handles are opaque. What `_open` or `_create` returns is owned by the caller until the
 * matching
 *    `_destroy`, which accepts NULL.
 *  - A fallible call returns a cornet_status: NULL is success; anything else carries a code and a
 *    sentence and is owned by the caller. On failure, out parameters are untouched.
 *  - A program is immutable and may be shared by threads. A session runs one call at a time.
 *  - Sizes are bytes, extents are elements, times are nanoseconds.
 *  - A NULL handle is an error to calls that return a status; to others it is an empty program.
 *  - No call aborts, throws or reads outside its inputs, whatever the file holds. A file contains
 * native code: loading one from a stranger is running it.
 */
#ifndef CORNET_RUNTIME_H
#define CORNET_RUNTIME_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define CORNET_API __attribute__((visibility("default")))

typedef enum {
  CORNET_OK = 0,
  CORNET_INVALID_FILE = 1,     /* the artifact is damaged or not one */
  CORNET_INVALID_ARGUMENT = 2, /* the caller's mistake */
  CORNET_UNSUPPORTED = 3,      /* this machine cannot run it */
  CORNET_IO = 4,               /* the operating system refused */
  CORNET_OUT_OF_MEMORY = 5,
  CORNET_WRONG_RESULT = 6 /* a self-test failed */
} cornet_code;

typedef struct cornet_status cornet_status;
/* The code of `status`; CORNET_OK for NULL. */
CORNET_API cornet_code cornet_status_code(const cornet_status *status);
/* What went wrong and what to do, "" for NULL. Lives as long as the status. */
CORNET_API const char *cornet_status_message(const cornet_status *status);
CORNET_API void cornet_status_destroy(cornet_status *status);

typedef enum { CORNET_F32, CORNET_F64, CORNET_I32, CORNET_I64, CORNET_I1 } cornet_dtype;

/* An input or output of an entry point. `shape[0]` is -1 where the batch stands; only entry points
 * that take whole batches have tensors without one. Lives with the program. */
typedef struct {
  const char *name;
  cornet_dtype dtype;
  size_t rank;
  const int64_t *shape;
} cornet_tensor_spec;

/* One step of a plan. Strings live with the program. */
typedef struct {
  const char *layer;          /* the layer it came from */
  const char *summary;        /* the operations, with shapes */
  const char *implementation; /* which one won */
  uint64_t tiles;
} cornet_step_spec;

typedef struct cornet_program cornet_program;
/* Maps the artifact at `path` and verifies its header, program and code; weights are mapped, not
 * read. */
CORNET_API cornet_status *cornet_program_open(const char *path, cornet_program **program);
CORNET_API void cornet_program_destroy(cornet_program *program);
/* Checks the SHA-256 of every segment, weights included. */
CORNET_API cornet_status *cornet_program_verify(const cornet_program *program);

CORNET_API const char *cornet_program_model(const cornet_program *program);
/* The ISA level chosen for this machine. */
CORNET_API const char *cornet_program_isa(const cornet_program *program);
CORNET_API size_t cornet_program_file_size(const cornet_program *program);
CORNET_API size_t cornet_program_weights_size(const cornet_program *program);
CORNET_API size_t cornet_program_code_size(const cornet_program *program);
/* The i-th fact of the artifact's origin, or NULL past the last. */
CORNET_API const char *cornet_program_provenance(const cornet_program *program, size_t index,
                                                 const char **key);

CORNET_API size_t cornet_program_entry_count(const cornet_program *program);
/* NULL past the last. */
CORNET_API const char *cornet_program_entry_name(const cornet_program *program, size_t entry);
CORNET_API size_t cornet_program_input_count(const cornet_program *program, size_t entry);
CORNET_API size_t cornet_program_output_count(const cornet_program *program, size_t entry);
CORNET_API cornet_status *cornet_program_input(const cornet_program *program, size_t entry,
                                               size_t index, cornet_tensor_spec *spec);
CORNET_API cornet_status *cornet_program_output(const cornet_program *program, size_t entry,
                                                size_t index, cornet_tensor_spec *spec);

/* Whether a call of the entry point is one whole batch, of a size that one of its plans has (a
 * training step, say): such rows are never split and padded. */
CORNET_API int cornet_program_entry_whole(const cornet_program *program, size_t entry);

/* A value that each session keeps between calls: a weight, an optimizer's slot, a metric's sum.
 * Strings and shapes live with the program. */
typedef struct {
  const char *name;
  cornet_dtype dtype;
  size_t rank;
  const int64_t *shape;
  int trainable;
  size_t bytes;
} cornet_variable_spec;

CORNET_API size_t cornet_program_variable_count(const cornet_program *program);
CORNET_API cornet_status *cornet_program_variable(const cornet_program *program, size_t index,
                                                  cornet_variable_spec *spec);

/* The plans of an entry point, one for each compiled batch size, ascending. */
CORNET_API size_t cornet_program_plan_count(const cornet_program *program, size_t entry);
CORNET_API uint64_t cornet_program_plan_batch(const cornet_program *program, size_t entry,
                                              size_t plan);
/* Bytes that a call works in on one thread. */
CORNET_API uint64_t cornet_program_plan_arena(const cornet_program *program, size_t entry,
                                              size_t plan);
CORNET_API size_t cornet_program_step_count(const cornet_program *program, size_t entry,
                                            size_t plan);
CORNET_API cornet_status *cornet_program_step(const cornet_program *program, size_t entry,
                                              size_t plan, size_t step, cornet_step_spec *spec);

/* What a step is worth. All 0 in artifacts of compilers that did not count. */
typedef struct {
  uint64_t flops;         /* of its operations: a multiplication and an addition are two */
  uint64_t bytes_read;    /* inputs and weights, each byte once */
  uint64_t bytes_written; /* results */
  uint64_t weight_bytes;  /* of the bytes read: constants of the artifact */
} cornet_step_work;
CORNET_API cornet_status *cornet_program_step_work(const cornet_program *program, size_t entry,
                                                   size_t plan, size_t step,
                                                   cornet_step_work *work);

typedef struct {
  size_t size;      /* sizeof(cornet_session_options): set by the caller */
  unsigned threads; /* threads that compute, the caller's included; 0 or 1 is the caller alone */
} cornet_session_options;

typedef struct cornet_session cornet_session;
/* Variables start as the entry point "initialize" sets them, if there is one.
 * Reserves what every later call needs: CORNET_OUT_OF_MEMORY if that is more than this machine has.
 * `options` may be NULL. The program must outlive the session. */
CORNET_API cornet_status *cornet_session_create(const cornet_program *program,
                                                const cornet_session_options *options,
                                                cornet_session **session);
CORNET_API void cornet_session_destroy(cornet_session *session);

/* Computes `rows` rows of entry point `entry`. inputs[i] and outputs[i] point to rows * (bytes of a
 * row) bytes in the order and layout of the specs; inputs are not written. Any number of rows is
 * served by the compiled batch sizes, the last one padded; 0 rows are no work. Allocates nothing.
 * The bits do not depend on `threads`. */
CORNET_API cornet_status *cornet_session_invoke(cornet_session *session, size_t entry,
                                                uint64_t rows, const void *const *inputs,
                                                void *const *outputs);

/* The cells of a variable, row-major, to be read and written between calls; NULL past the last.
 * Lives with the session. */
CORNET_API void *cornet_session_variable(cornet_session *session, size_t index);
/* Writes all variables to a file, atomically: whenever the process dies, `path` is the old file or
 * the new one, whole. */
CORNET_API cornet_status *cornet_session_save(const cornet_session *session, const char *path);
/* Reads what cornet_session_save() wrote for the same program's variables: all of them or, with
 * CORNET_INVALID_FILE and a sentence, none. */
CORNET_API cornet_status *cornet_session_load(cornet_session *session, const char *path);

/* Runs one plan on its own batch with a clock around each step: nanoseconds[i] for step i. */
CORNET_API cornet_status *cornet_session_profile(cornet_session *session, size_t entry, size_t plan,
                                                 const void *const *inputs, void *const *outputs,
                                                 uint64_t *nanoseconds);

/* Runs the inputs stored in the artifact and compares with the stored results. `largest`, if not
 * NULL, receives the largest absolute difference when the test passes. */
CORNET_API cornet_status *cornet_session_self_test(cornet_session *session, double *largest);

#ifdef __cplusplus
}
#endif
#endif
