// RUN: cornet-opt %s -split-input-file -verify-diagnostics

func.func @dispatch_c1_arguments(%a: tensor<4xf32>) {
  // expected-error @below {{dispatch_c1: region arguments and yielded types must match the inputs and results}}
  %0 = cornet.dispatch(%a) : (tensor<4xf32>) -> tensor<4xf32> {
  ^bb0(%x: tensor<5xf32>):
    cornet.yield %a : tensor<4xf32>
  }
  return
}

// -----

func.func @dispatch_c1_results(%a: tensor<4xf32>) {
  // expected-error @below {{dispatch_c1: region arguments and yielded types must match the inputs and results}}
  %0 = cornet.dispatch(%a) : (tensor<4xf32>) -> tensor<5xf32> {
  ^bb0(%x: tensor<4xf32>):
    cornet.yield %x : tensor<4xf32>
  }
  return
}

// -----

func.func @empty_dispatch() {
  // expected-error @below {{expects a non-empty block}}
  cornet.dispatch() : () -> () {
  ^bb0:
  }
  return
}

// -----

func.func @no_yield(%a: tensor<4xf32>) {
  // expected-error @below {{dispatch_c1}}
  cornet.dispatch(%a) : (tensor<4xf32>) -> () {
  ^bb0(%x: tensor<4xf32>):
    %0 = cornet.neg %x : (tensor<4xf32>) -> tensor<4xf32>
  }
  return
}

// -----

func.func @isolated(%a: tensor<4xf32>) {
  // expected-note @below {{required by region isolation constraints}}
  %0 = cornet.dispatch() : () -> tensor<4xf32> {
    // expected-error @below {{using value defined outside the region}}
    cornet.yield %a : tensor<4xf32>
  }
  return
}

// -----

func.func @yield_outside(%a: tensor<4xf32>) -> tensor<4xf32> {
  // expected-error @below {{expects parent op 'cornet.dispatch'}}
  cornet.yield %a : tensor<4xf32>
}
