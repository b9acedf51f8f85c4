// SPDX-License-Identifier: Apache-2.0
//
// Data for training: arrays, datasets, the files they come from, and what must be learned from the
// data before a model can see it. Link cornet_data. Memory stays bounded: CSV, text and images are
// streamed, whatever their size.
#pragma once

#include <cornet/data/array.h>
#include <cornet/data/csv.h>
#include <cornet/data/dataset.h>
#include <cornet/data/directory.h>
#include <cornet/data/files.h>
#include <cornet/data/preprocessing.h>
#include <cornet/data/vocabulary.h>
