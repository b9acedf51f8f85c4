// RUN: cornet-opt %s -split-input-file -verify-diagnostics

func.func @broadcast_c1(%a: tensor<4xf32>, %b: tensor<4xf64>) {
  // expected-error @below {{broadcast_c1: operands differ in element type}}
  %0 = cornet.add %a, %b : (tensor<4xf32>, tensor<4xf64>) -> tensor<4xf32>
  return
}

// -----

func.func @broadcast_c2(%a: tensor<?x4xf32>, %b: tensor<3xf32>) {
  // expected-error @below {{broadcast_c2: shapes (?, 4) and (3) do not broadcast}}
  %0 = cornet.mul %a, %b : (tensor<?x4xf32>, tensor<3xf32>) -> tensor<?x4xf32>
  return
}

// -----

func.func @compare_c1(%a: tensor<4xf32>) {
  // expected-error @below {{compare_c1: predicate must be eq, ne, lt, le, gt or ge, got 'less'}}
  %0 = cornet.compare %a, %a {predicate = "less"} : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xi1>
  return
}

// -----

func.func @select_c1(%a: tensor<4xf32>) {
  // expected-error @below {{select_c1: the condition must be i1}}
  %0 = cornet.select %a, %a, %a : (tensor<4xf32>, tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  return
}

// -----

func.func @shape_c1(%a: tensor<2x?xf32>) {
  // expected-error @below {{shape_c1: dimensions after the first must be known, got (2, ?)}}
  %0 = cornet.relu %a : (tensor<2x?xf32>) -> tensor<2x?xf32>
  return
}

// -----

func.func @shape_c2(%a: tensor<?x0xf32>) {
  // expected-error @below {{shape_c2: extents must be positive, got (?, 0)}}
  %0 = cornet.relu %a : (tensor<?x0xf32>) -> tensor<?x0xf32>
  return
}

// -----

func.func @shape_c1_of_result(%a: tensor<?x3xf32>, %b: tensor<2x1x3xf32>) {
  // expected-error @below {{shape_c1: dimensions after the first must be known, got (2, ?, 3)}}
  %0 = cornet.add %a, %b : (tensor<?x3xf32>, tensor<2x1x3xf32>) -> tensor<2x?x3xf32>
  return
}

// -----

func.func @result_type(%a: tensor<?x4xf32>) {
  // expected-error @below {{has result type 'tensor<?x5xf32>' where 'tensor<?x4xf32>' is inferred}}
  %0 = cornet.relu %a : (tensor<?x4xf32>) -> tensor<?x5xf32>
  return
}

// -----

func.func @element_type(%a: tensor<4xindex>) {
  // expected-error @below {{operand type 'tensor<4xindex>' is not one the dialect computes with}}
  %0 = cornet.relu %a : (tensor<4xindex>) -> tensor<4xindex>
  return
}

// -----

func.func @cast_c1(%a: tensor<4xf32>) {
  // expected-error @below {{cast_c1: to must be f32, f64, bf16, f16, i32, i1, i8 or ui8, got 'f8'}}
  %0 = cornet.cast %a {to = "f8"} : (tensor<4xf32>) -> tensor<4xf32>
  return
}

// -----

func.func @byte_c1(%x: tensor<?x4xui8>) {
  // expected-error @below {{byte_c1: 'cornet.add' does not compute with integers of 8 bits; cast them to f32 first}}
  %0 = cornet.add %x, %x : (tensor<?x4xui8>, tensor<?x4xui8>) -> tensor<?x4xui8>
  return
}
