/* SPDX-License-Identifier: Apache-2.0
 *
 * Opens an artifact, prints its inputs and outputs, runs its self-test and one row of zeros.
 *
 *     cc -std=c99 run.c -I<prefix>/include -L<prefix>/lib -lcornet_runtime -o run
 *     ./run model.cornet
 */
#include "cornet_runtime.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

/* Prints what went wrong, if anything did, and ends the program. */
static void check(cornet_status *status) {
  if (cornet_status_code(status) == CORNET_OK)
    return;
  fprintf(stderr, "error: %s\n", cornet_status_message(status));
  cornet_status_destroy(status);
  exit(1);
}

static const char *const dtype_names[] = {"f32", "f64", "i32", "i64", "i1"};
static const size_t dtype_sizes[] = {4, 8, 4, 8, 1};

static size_t row_elements(const cornet_tensor_spec *spec) {
  size_t elements = 1;
  for (size_t d = 1; d < spec->rank; ++d)
    elements *= (size_t)spec->shape[d];
  return elements;
}

static void describe(const char *what, const cornet_tensor_spec *spec) {
  printf("%s %s: %s (rows", what, spec->name, dtype_names[spec->dtype]);
  for (size_t d = 1; d < spec->rank; ++d)
    printf(", %" PRId64, spec->shape[d]);
  printf(")\n");
}

static void *zero_row(const cornet_tensor_spec *spec) {
  void *row = calloc(row_elements(spec) + 1, dtype_sizes[spec->dtype]);
  if (!row)
    exit(1);
  return row;
}

static void print_row(const cornet_tensor_spec *spec, const void *row) {
  printf("%s =", spec->name);
  for (size_t i = 0; i < row_elements(spec); ++i)
    switch (spec->dtype) {
    case CORNET_F32:
      printf(" %g", (double)((const float *)row)[i]);
      break;
    case CORNET_F64:
      printf(" %g", ((const double *)row)[i]);
      break;
    case CORNET_I32:
      printf(" %" PRId32, ((const int32_t *)row)[i]);
      break;
    case CORNET_I64:
      printf(" %" PRId64, ((const int64_t *)row)[i]);
      break;
    case CORNET_I1:
      printf(" %d", ((const uint8_t *)row)[i]);
      break;
    }
  printf("\n");
}

int main(int argc, char **argv) {
  enum { entry = 0, most = 16 };
  cornet_program *program = NULL;
  cornet_session *session = NULL;
  cornet_tensor_spec in[most], out[most];
  void *inputs[most], *outputs[most];
  double largest = 0;

  if (argc != 2) {
    fprintf(stderr, "usage: run MODEL.cornet\n");
    return 2;
  }
  check(cornet_program_open(argv[1], &program));
  size_t input_count = cornet_program_input_count(program, entry);
  size_t output_count = cornet_program_output_count(program, entry);
  if (input_count > most || output_count > most)
    return 2;
  printf("model %s, code for %s\n", cornet_program_model(program), cornet_program_isa(program));
  for (size_t i = 0; i < input_count; ++i) {
    check(cornet_program_input(program, entry, i, &in[i]));
    describe("input", &in[i]);
    inputs[i] = zero_row(&in[i]);
  }
  for (size_t i = 0; i < output_count; ++i) {
    check(cornet_program_output(program, entry, i, &out[i]));
    describe("output", &out[i]);
    outputs[i] = zero_row(&out[i]);
  }

  check(cornet_session_create(program, NULL, &session));
  check(cornet_session_self_test(session, &largest));
  printf("self-test passed, largest difference %g\n", largest);
  check(cornet_session_invoke(session, entry, 1, (const void *const *)inputs, outputs));
  for (size_t i = 0; i < output_count; ++i)
    print_row(&out[i], outputs[i]);

  for (size_t i = 0; i < input_count; ++i)
    free(inputs[i]);
  for (size_t i = 0; i < output_count; ++i)
    free(outputs[i]);
  cornet_session_destroy(session);
  cornet_program_destroy(program);
  return 0;
}
