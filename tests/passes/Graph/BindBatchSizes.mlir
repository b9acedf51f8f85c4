// RUN: not cornet-opt %s --cornet-bind-batch=sizes=0 2>&1 | FileCheck %s --check-prefix=ZERO
// RUN: not cornet-opt %s --cornet-bind-batch=sizes=4,4 2>&1 | FileCheck %s --check-prefix=TWICE
// RUN: cornet-opt %s --cornet-bind-batch | FileCheck %s --check-prefix=NONE

// ZERO:  error: a batch size must be at least 1, got 0
// TWICE: error: the batch size 4 is given twice
// NONE:  func.func @predict(%{{.*}}: tensor<?x4xf32>)
func.func @predict(%x: tensor<?x4xf32>) -> tensor<?x4xf32> attributes {cornet.entry} {
  return %x : tensor<?x4xf32>
}
