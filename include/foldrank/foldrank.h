/* SPDX-License-Identifier: BSD-3-Clause */
/* foldrank.h - all public headers. */
#ifndef FR_FOLDRANK_H
#define FR_FOLDRANK_H

#include "foldrank/checksum.h"
#include "foldrank/clock.h"
#include "foldrank/coordinator.h"
#include "foldrank/data.h"
#include "foldrank/distributed.h"
#include "foldrank/folds.h"
#include "foldrank/gram.h"
#include "foldrank/history.h"
#include "foldrank/hot.h"
#include "foldrank/linalg.h"
#include "foldrank/log.h"
#include "foldrank/memory.h"
#include "foldrank/metric.h"
#include "foldrank/model.h"
#include "foldrank/network.h"
#include "foldrank/objective.h"
#include "foldrank/option.h"
#include "foldrank/pack.h"
#include "foldrank/preprocess.h"
#include "foldrank/prune.h"
#include "foldrank/random.h"
#include "foldrank/schedule.h"
#include "foldrank/search.h"
#include "foldrank/select.h"
#include "foldrank/space.h"
#include "foldrank/status.h"
#include "foldrank/store.h"
#include "foldrank/study.h"
#include "foldrank/text.h"
#include "foldrank/text_table.h"
#include "foldrank/train.h"
#include "foldrank/version.h"

#endif
