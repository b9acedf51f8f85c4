/* SPDX-License-Identifier: Apache-2.0
 *
 * Trains with nothing but the C interface: opens the artifact of a training, calls its training
 * step on generated rows, reads the loss, saves the variables, loads them into a second session,
 * and checks that both then go on alike, bit for bit.
 *
 *     cc -std=c99 train.c -I<prefix>/include -L<prefix>/lib -lcornet_runtime -o train
 *     ./train train.cornet STATE-FILE [STEPS]
 *
 * The artifact's rows are f32 cells x and an i32 class of four: which of x[0] and x[1] are
 * positive.
 */
#include "cornet_runtime.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Ends the program with a sentence. */
static void die(const char *why) {
  fprintf(stderr, "error: %s\n", why);
  exit(1);
}

/* Prints what went wrong, if anything did, and ends the program. */
static void check(cornet_status *status) {
  if (cornet_status_code(status) == CORNET_OK)
    return;
  fprintf(stderr, "error: %s\n", cornet_status_message(status));
  cornet_status_destroy(status);
  exit(1);
}

static size_t entry_named(const cornet_program *program, const char *name) {
  size_t i;
  for (i = 0; i < cornet_program_entry_count(program); ++i)
    if (strcmp(cornet_program_entry_name(program, i), name) == 0)
      return i;
  fprintf(stderr, "error: the artifact has no entry point '%s'\n", name);
  exit(1);
}

static float uniform(uint32_t *state) { /* in [-1, 1) */
  *state = *state * 1664525u + 1013904223u;
  return (float)(*state >> 8) / 8388608.0f - 1.0f;
}

static void fill(float *x, int32_t *y, size_t rows, size_t cells, uint32_t *state) {
  size_t row, i;
  for (row = 0; row < rows; ++row) {
    for (i = 0; i < cells; ++i)
      x[row * cells + i] = uniform(state);
    y[row] = (x[row * cells] > 0) + 2 * (x[row * cells + 1] > 0);
  }
}

/* The loss, the first of the metrics, since they were reset; it is reset after that. */
static float read_loss(const cornet_program *program, cornet_session *session) {
  enum { most = 16 };
  float values[most];
  void *outputs[most];
  cornet_tensor_spec spec;
  size_t entry = entry_named(program, "read_metrics"), i;
  size_t count = cornet_program_output_count(program, entry);
  if (count == 0 || count > most)
    die("read_metrics has no or too many outputs");
  check(cornet_program_output(program, entry, 0, &spec));
  if (strcmp(spec.name, "loss") != 0 || spec.rank != 0)
    die("the first metric is not the scalar 'loss'");
  for (i = 0; i < count; ++i)
    outputs[i] = &values[i];
  check(cornet_session_invoke(session, entry, cornet_program_plan_batch(program, entry, 0), NULL,
                              outputs));
  entry = entry_named(program, "reset_metrics");
  check(cornet_session_invoke(session, entry, cornet_program_plan_batch(program, entry, 0), NULL,
                              NULL));
  return values[0];
}

static int equal(const cornet_program *program, cornet_session *a, cornet_session *b) {
  size_t i;
  for (i = 0; i < cornet_program_variable_count(program); ++i) {
    cornet_variable_spec spec;
    check(cornet_program_variable(program, i, &spec));
    if (memcmp(cornet_session_variable(a, i), cornet_session_variable(b, i), spec.bytes) != 0)
      return 0;
  }
  return 1;
}

int main(int argc, char **argv) {
  cornet_program *program = NULL;
  cornet_session *session = NULL, *second = NULL;
  cornet_session_options options = {sizeof options, 2};
  cornet_tensor_spec x_spec, y_spec;
  cornet_status *status;
  const void *inputs[2];
  uint32_t state = 1;
  float first = 0, last = 0;
  long steps = argc > 3 ? strtol(argv[3], NULL, 10) : 300, step;

  if ((argc != 3 && argc != 4) || steps < 40) {
    fprintf(stderr, "usage: train TRAINING.cornet STATE-FILE [STEPS, at least 40]\n");
    return 2;
  }
  check(cornet_program_open(argv[1], &program));
  size_t train_step = entry_named(program, "train_step");
  if (cornet_program_input_count(program, train_step) != 2)
    die("the training step does not take rows and their classes");
  check(cornet_program_input(program, train_step, 0, &x_spec));
  check(cornet_program_input(program, train_step, 1, &y_spec));
  if (x_spec.dtype != CORNET_F32 || x_spec.rank != 2 || y_spec.dtype != CORNET_I32 ||
      y_spec.rank != 1)
    die("rows are not f32 cells, or classes not one i32 each");
  if (!cornet_program_entry_whole(program, train_step))
    die("the training step does not take whole batches");
  size_t rows = cornet_program_plan_batch(program, train_step,
                                          cornet_program_plan_count(program, train_step) - 1);
  size_t cells = (size_t)x_spec.shape[1];
  float *x = malloc(rows * cells * sizeof *x);
  int32_t *y = malloc(rows * sizeof *y);
  if (!x || !y)
    die("out of memory");
  inputs[0] = x, inputs[1] = y;

  check(cornet_session_create(program, &options, &session));
  for (step = 0; step < steps; ++step) {
    fill(x, y, rows, cells, &state);
    check(cornet_session_invoke(session, train_step, rows, inputs, NULL));
    if (step == 19)
      first = read_loss(program, session);
    else if (step == steps - 20)
      read_loss(program, session);
  }
  last = read_loss(program, session);
  printf("%ld steps of %lu rows: loss %g, then %g\n", steps, (unsigned long)rows, (double)first,
         (double)last);
  if (!(last < 0.8f * first))
    die("the loss does not fall");

  check(cornet_session_save(session, argv[2]));
  options.threads = 1;
  check(cornet_session_create(program, &options, &second));
  if (equal(program, session, second))
    die("a new session begins with trained variables");
  check(cornet_session_load(second, argv[2]));
  if (!equal(program, session, second))
    die("loaded variables are not those that were saved");
  fill(x, y, rows, cells, &state);
  check(cornet_session_invoke(session, train_step, rows, inputs, NULL));
  check(cornet_session_invoke(second, train_step, rows, inputs, NULL));
  if (!equal(program, session, second))
    die("after a further step the sessions differ");
  if (read_loss(program, session) != read_loss(program, second))
    die("after a further step the losses differ");

  status = cornet_session_load(second, argv[1]); /* no file of variables */
  if (cornet_status_code(status) != CORNET_INVALID_FILE)
    die("an artifact was loaded as variables");
  printf("as it should be: %s\n", cornet_status_message(status));
  cornet_status_destroy(status);
  if (!equal(program, session, second))
    die("a refused file changed variables");

  free(x);
  free(y);
  cornet_session_destroy(second);
  cornet_session_destroy(session);
  cornet_program_destroy(program);
  return 0;
}
