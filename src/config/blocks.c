/* SPDX-License-Identifier: BSD-3-Clause */
/* blocks.c - the list of all blocks of settings, for the manual. */
#include "internal.h"

static const size_t n_sound = FR_SOUND_OPTIONS, n_image = FR_IMAGE_OPTIONS;

static const struct {
    const char *name, *about;
    const fr_option *table;
    const size_t *n;
} blocks[] = {
    {"data", "Where the rows come from and what is predicted.", fr_data_option_table,
     &fr_data_option_count},
    {"data.test", "Rows that the search never sees.", fr_test_option_table,
     &fr_test_option_count},
    {"data.sound", "What becomes of a file of sound; each is a row.", fr_sound_option_table,
     &n_sound},
    {"data.image", "What becomes of an image; each is a row.", fr_image_option_table, &n_image},
    {"preprocess", "What is done to the columns, fitted on the training rows of each fold.",
     fr_preprocess_option_table, &fr_preprocess_option_count},
    {"validation", "How rows are split into folds.", fr_validation_option_table,
     &fr_validation_option_count},
    {"nested",
     "What the whole search is worth: nested cross-validation. For each outer fold search, "
     "selection and training are done on the other rows alone, and the model is scored on the "
     "fold. Enqueued configurations belong to the search, a warm start and explanations only "
     "to the study's own, whose results stay as they are without this.",
     fr_nested_option_table, &fr_nested_option_count},
    {"train", "How a model is trained; every key may also stand in a family's block.",
     fr_train_option_table, &fr_train_option_count},
    {"objective",
     "What is searched instead of data, models and train; parameters names the "
     "hyperparameters.",
     fr_objective_option_table, &fr_objective_option_count},
    {"search", "How many trials, and how they are chosen.", fr_search_option_table,
     &fr_search_option_count},
    {"stop", "When the search ends before its last trial.", fr_stop_option_table,
     &fr_stop_option_count},
    {"pruning", "When a trial that is beaten stops.", fr_prune_option_table,
     &fr_prune_option_count},
    {"select", "Which trial becomes the model.", fr_select_option_table,
     &fr_select_option_count},
    {"calibrate",
     "What the chosen model learns after the search, from the predictions that the models of "
     "its folds make for rows they have not seen; also short: calibrate: platt. Validation "
     "scores, members of an ensemble and the outer folds of nested are of models without it.",
     fr_calibrate_option_table, &fr_calibrate_option_count},
    {"explain", "What is found out about the chosen model.", fr_explain_option_table,
     &fr_explain_option_count},
    {"ensemble", "Models that predict together, chosen after the search.",
     fr_ensemble_option_table, &fr_ensemble_option_count},
    {"resources", "What a run may use.", fr_resource_option_table, &fr_resource_option_count},
};
enum { N_TOP = 3, N_BLOCKS = sizeof blocks / sizeof *blocks };

bool fr_study_block_at(size_t i, fr_study_block *out)
{
    static const char *const families[FR_FAMILY_COUNT] = {
        "models.linear", "models.softmax", "models.svm",    "models.mlp",
        "models.cnn",    "models.fm",      "models.kernel", "models.xgboost"};
    if (i == 0) {
        *out = (fr_study_block){"", "The study itself.", fr_study_option_table, N_TOP};
        return true;
    }
    if (--i < N_BLOCKS) {
        *out = (fr_study_block){blocks[i].name, blocks[i].about, blocks[i].table, *blocks[i].n};
        return true;
    }
    if ((i -= N_BLOCKS) >= FR_FAMILY_COUNT) return false;
    *out = (fr_study_block){.name = families[i], .about = "Settings of this family."};
    out->table = fr_model_option_table((fr_family)i, &out->n);
    return true;
}
