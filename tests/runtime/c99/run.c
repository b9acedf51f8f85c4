/* SPDX-License-Identifier: Apache-2.0
 *
 * Runs an artifact from C: self-test, then one row of zeros.
 *
 *     cc -std=c99 run.c -lcornet_runtime && ./a.out model.cornet
 */
#include "cornet_runtime.h"

#include <stdio.h>
#include <stdlib.h>

/* Prints and frees a failure. */
static int failed(cornet_status *status) {
  if (status == NULL)
    return 0;
  fprintf(stderr, "error: %s\n", cornet_status_message(status));
  cornet_status_destroy(status);
  return 1;
}

static size_t cells(const cornet_tensor_spec *spec) {
  size_t count = 1, i;
  for (i = 1; i < spec->rank; ++i)
    count *= (size_t)spec->shape[i];
  return count;
}

int main(int argc, char **argv) {
  cornet_program *program = NULL;
  cornet_session *session = NULL;
  cornet_tensor_spec input, output;
  double largest = 0;
  int code = 1;
  if (argc != 2) {
    fprintf(stderr, "usage: %s model.cornet\n", argv[0]);
    return 2;
  }
  if (failed(cornet_program_open(argv[1], &program)) || failed(cornet_session_create(program, NULL, &session)) ||
      failed(cornet_session_self_test(session, &largest)) || failed(cornet_program_input(program, 0, 0, &input)) ||
      failed(cornet_program_output(program, 0, 0, &output))) {
    code = 1;
  } else {
    float *x = calloc(cells(&input), sizeof *x), *y = calloc(cells(&output), sizeof *y);
    const void *inputs[1];
    void *outputs[1];
    size_t i;
    inputs[0] = x;
    outputs[0] = y;
    printf("%s on %s: self-test passed, largest difference %g\n", cornet_program_model(program), cornet_program_isa(program), largest);
    if (x != NULL && y != NULL && !failed(cornet_session_invoke(session, 0, 1, inputs, outputs))) {
      printf("%s of zeros:", output.name);
      for (i = 0; i < cells(&output) && i < 10; ++i)
        printf(" %.4f", (double)y[i]);
      printf("\n");
      code = 0;
    }
    free(x);
    free(y);
  }
  cornet_session_destroy(session);
  cornet_program_destroy(program);
  return code;
}
