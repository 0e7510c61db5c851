/* SPDX-License-Identifier: BSD-3-Clause */
/* options.c - the settings of this room: name, range, default and help in one row each. */
#include <math.h>
#include <stddef.h>

#include "foldrank/data.h"
#include "foldrank/folds.h"
#include "foldrank/preprocess.h"

#define COUNT_OF(table) (sizeof(table) / sizeof *(table))

const char *const fr_format_words[] = {"auto",     "csv",   "hdf5",  "idx",   "npy",
                                       "svmlight", "sound", "image", "jsonl", NULL};
const char *const fr_scheme_words[] = {
    "kfold",         "stratified_kfold", "group_kfold", "time_series",    "shuffle_split",
    "leave_one_out", "column",           "holdout",     "leave_last_out", NULL};
static const char *const by_words[] = {"auto", "chance", "time", "user", NULL};
static const char *const learn_words[] = {"classification", "regression", NULL};
static const char *const delimiter_words[] = {"auto",      "comma", "tab",
                                              "semicolon", "space", NULL};
static const char *const storage_words[] = {"auto", "dense", "sparse", NULL};
static const char *const header_words[] = {"auto", "true", "false", NULL};
static const char *const impute_words[] = {"mean", "median", "most_frequent", "constant", NULL};
static const char *const scale_words[] = {"none",   "standard", "minmax", "robust",
                                          "maxabs", "tfidf",    NULL};
static const char *const select_words[] = {"none", "variance",           "f_test",
                                           "chi2", "mutual_information", NULL};
static const char *const encode_words[] = {"onehot", "ordinal", NULL};

#define AT(field) .offset = offsetof(fr_data_options, field)
const fr_option fr_data_option_table[] = {
    {"path", FR_OPTION_STRING, AT(path),
     .help =
         "data file, plain or gzip; or a folder, or a CSV list with a column `file`, of sounds "
         "or images"},
    {"format", FR_OPTION_WORD, AT(format), "auto", .words = fr_format_words,
     .help = "format of the file; auto looks at its content, then at its name"},
    {"target", FR_OPTION_STRING, AT(target),
     .help = "column to predict: a name, or a number from 0 (negative: from the end)"},
    {"labels", FR_OPTION_STRING, AT(labels),
     .help = "file that holds the target alone, one value for each row"},
    {"task", FR_OPTION_WORD, AT(task), "classification", .words = learn_words,
     .help = "whether the target is a class or a number"},
    {"features_dataset", FR_OPTION_STRING, AT(features_dataset), "X",
     .help = "hdf5: name of the 2-D data set with the features"},
    {"target_dataset", FR_OPTION_STRING, AT(target_dataset), "y",
     .help = "hdf5: name of the 1-D data set with the target"},
    {"text", FR_OPTION_STRING, AT(text.column),
     .help = "csv: column of text; its n-grams are the features, other columns are not"},
    {"text_words", FR_OPTION_INTS, AT(text.words), "[1]", .low = 1, .high = 8,
     .help = "text: lengths of n-grams in words, e.g. [1, 2]; [] for none"},
    {"text_chars", FR_OPTION_INTS, AT(text.chars), "[]", .low = 1, .high = 32,
     .help = "text: lengths of n-grams in letters of a word, e.g. [3, 4]; [] for none"},
    {"text_across", FR_OPTION_BOOL, AT(text.across), "false",
     .help = "text: n-grams of letters go on over the ends of words (scikit-learn's analyzer "
             "char; false: char_wb)"},
    {"text_lower", FR_OPTION_BOOL, AT(text.lower), "true",
     .help = "text: capital letters are taken for small ones"},
    {"text_buckets", FR_OPTION_INT, AT(text.buckets), "0", .high = FR_TEXT_BUCKETS_MAX,
     .help = "text: features that n-grams share by a hash, as in HashingVectorizer: no list of "
             "n-grams is made, and new ones count; 0: each n-gram has its own"},
    {"text_alternate_sign", FR_OPTION_BOOL, AT(text.alternate), "true",
     .help = "text_buckets: half of the n-grams count as -1, so that those of a bucket "
             "tend to cancel out"},
    {"delimiter", FR_OPTION_WORD, AT(delimiter), "auto", .words = delimiter_words,
     .help = "csv: what separates cells; space: any run of blanks"},
    {"header", FR_OPTION_WORD, AT(header), "auto", .words = header_words,
     .help = "csv: whether the first line holds the columns' names"},
    {"storage", FR_OPTION_WORD, AT(storage), "auto", .words = storage_words,
     .help = "svmlight: sparse keeps only cells that are not 0; auto: when these are few"},
    {"missing", FR_OPTION_STRINGS, AT(missing), "[]",
     .help = "csv: cells without a value, besides empty, NA, N/A, NaN, null and ?"},
    {"categorical", FR_OPTION_STRINGS, AT(categorical), "[]",
     .help = "columns that are categories though their cells are numbers"},
    {"drop", FR_OPTION_STRINGS, AT(drop), "[]", .help = "columns that are not features"},
    {"group", FR_OPTION_STRING, AT(group),
     .help = "column of the group: rows of one group stay together"},
    {"user", FR_OPTION_STRING, AT(user),
     .help =
         "column of the user, who ndcg@10 and the like rank for; a category, and a feature; "
         "without it the group is the user"},
    {"relevant", FR_OPTION_DOUBLE, AT(relevant), "0", .low = -INFINITY, .high = INFINITY,
     .open_low = true, .open_high = true,
     .help =
         "regression, recall@10 and the like: the target from which on a row is relevant to "
         "its user, such as 4 stars; 0: any above 0"},
    {"fold", FR_OPTION_STRING, AT(fold), .help = "column that names the fold of every row"},
    {"time", FR_OPTION_STRING, AT(time),
     .help =
         "column of the time, by which time_series and leave_last_out split: numbers, or "
         "dates such as 2024-05-31; no feature; without it the order of the file is that of "
         "time"},
    {"weight", FR_OPTION_STRING, AT(weight), .help = "column of sample weights, >= 0"},
    {"pattern", FR_OPTION_STRING, AT(pattern),
     .help =
         "sound, image: what files' names say, such as {label}_{speaker}_{index}.wav; none: "
         "the folder that a file lies in is its label"},
};
const size_t fr_data_option_count = COUNT_OF(fr_data_option_table);
#undef AT

const fr_data_block fr_data_blocks[FR_DATA_BLOCKS] = {
    {"sound", fr_sound_option_table, FR_SOUND_OPTIONS, offsetof(fr_data_options, sound)},
    {"image", fr_image_option_table, FR_IMAGE_OPTIONS, offsetof(fr_data_options, image)},
};

#define AT(field) .offset = offsetof(fr_test_options, field)
const fr_option fr_test_option_table[] = {
    {"fraction", FR_OPTION_DOUBLE, AT(fraction), "0", .high = 1, .open_high = true,
     .help = "share of the rows kept for the final test"},
    {"seed", FR_OPTION_INT, AT(seed), "0", .high = 0x1p53, .help = "seed of that choice"},
    {"by", FR_OPTION_WORD, AT(by), "auto", .words = by_words,
     .help =
         "which rows: by chance; the last by data.time; the last of each user; auto: as the "
         "scheme of the validation does, by chance where it is none of these"},
    {"last", FR_OPTION_INT, AT(last), "0", .high = 0x1p53,
     .help = "by user: so many of the last rows of each, who keeps one at least; 0: the "
             "fraction"},
    {"path", FR_OPTION_STRING, AT(path), .help = "file of test rows, same columns as the data"},
    {"labels", FR_OPTION_STRING, AT(labels), .help = "file with the targets of the test rows"},
    {"column", FR_OPTION_STRING, AT(column),
     .help = "column that is 1, true or test in test rows, 0, false or train in others"},
    {"values", FR_OPTION_STRINGS, AT(values), "[]",
     .help = "values of that column that make a test row, instead of 1, true and test"},
};
const size_t fr_test_option_count = COUNT_OF(fr_test_option_table);
#undef AT

#define AT(field) .offset = offsetof(fr_preprocess_options, field)
const fr_option fr_preprocess_option_table[] = {
    {"impute", FR_OPTION_WORD, AT(impute), "median", .words = impute_words,
     .help = "what stands in for a missing number"},
    {"fill_value", FR_OPTION_DOUBLE, AT(fill_value), "0", .low = -INFINITY, .high = INFINITY,
     .open_low = true, .open_high = true, .help = "impute constant: the number"},
    {"scale", FR_OPTION_WORD, AT(scale), "standard", .words = scale_words,
     .help =
         "standard: mean 0, deviation 1; minmax: 0 to 1; robust: median, quartiles; maxabs: "
         "-1 to 1, 0 stays 0; tfidf: of sparse counts, as in scikit-learn"},
    {"sublinear", FR_OPTION_BOOL, AT(sublinear), "false",
     .help = "tfidf: 1 + ln(count) for the count"},
    {"idf", FR_OPTION_BOOL, AT(idf), "true",
     .help = "tfidf: what fewer training rows have weighs more; false: rows get length 1 only"},
    {"text_words", FR_OPTION_INTS, AT(text_words), "[0]", .high = 8,
     .help = "text: which of the lengths that data.text_words counts are features, such as "
             "{choice: [[1], [1, 2]]}; [] for none, [0] for all"},
    {"text_chars", FR_OPTION_INTS, AT(text_chars), "[0]", .high = 32,
     .help = "text: the same of data.text_chars"},
    {"min_rows", FR_OPTION_INT, AT(min_rows), "1", .low = 1, .high = 0x1p53,
     .help = "sparse: leave out features that are not 0 in fewer training rows"},
    {"max_share", FR_OPTION_DOUBLE, AT(max_share), "1", .high = 1, .open_low = true,
     .help = "sparse: leave out features that are not 0 in a larger share of them"},
    {"encode", FR_OPTION_WORD, AT(encode), "onehot", .words = encode_words,
     .help = "categories as one 0/1 feature for each level, or as the level's number"},
    {"drop_constant", FR_OPTION_BOOL, AT(drop_constant), "true",
     .help = "leave out columns that are constant in the training rows; cnn keeps "
             "them: each has its place in the image"},
    {"scale_target", FR_OPTION_BOOL, AT(scale_target), "true",
     .help = "regression: train on the standardised target"},
    {"select_features", FR_OPTION_WORD, AT(select_features), "none", .words = select_words,
     .help =
         "keep the features that say most: by variance in their own unit, by F of classes or "
         "of the regression, by chi2 of counts and categories, by mutual information with the "
         "target (of 16 parts of a feature with more values)"},
    {"keep_features", FR_OPTION_DOUBLE, AT(keep_features), "0.5", .high = 1e9, .open_low = true,
     .help = "select_features: how many; below 1: their share"},
    {"pca", FR_OPTION_DOUBLE, AT(pca), "0", .high = 1e9,
     .help =
         "principal components in the place of the features: how many, as far as there are; "
         "below 1: so many that they explain this share of the variance; 0: none"},
    {"whiten", FR_OPTION_BOOL, AT(whiten), "false", .help = "pca: components of variance 1"},
    {"pca_distribute_from", FR_OPTION_INT, AT(pca_distribute_from), "5000", .high = 1e7,
     .help = "pca: of more features, and of more rows, than this all ranks compute it together "
             "(with ranks_per_trial each its own), and then equal on another number of ranks "
             "to rounding only; 0: never"},
    {"fourier", FR_OPTION_INT, AT(fourier), "0", .high = 1e6,
     .help = "random Fourier features of the inputs or components, with which linear families "
             "come near to an rbf kernel: how many; 0: none"},
    {"fourier_gamma", FR_OPTION_DOUBLE, AT(fourier_gamma), "0", .high = 1e9,
     .help = "fourier: the kernel is exp(-gamma |x - y|^2); 0: 1 / inputs"},
    {"fourier_orthogonal", FR_OPTION_BOOL, AT(fourier_orthogonal), "false",
     .help = "fourier: cosine and sine of directions at right angles, which come nearer"},
    {"fourier_seed", FR_OPTION_INT, AT(fourier_seed), "0", .high = 0x1p53,
     .help = "fourier: of the random numbers"},
};
const size_t fr_preprocess_option_count = COUNT_OF(fr_preprocess_option_table);
#undef AT

#define AT(field) .offset = offsetof(fr_validation_options, field)
const fr_option fr_validation_option_table[] = {
    {"scheme", FR_OPTION_WORD, AT(scheme), "kfold", .words = fr_scheme_words,
     .help = "how rows are split into training and validation"},
    {"folds", FR_OPTION_INT, AT(folds), "5", .low = 2, .high = 1e6,
     .help = "number of folds or splits"},
    {"repeats", FR_OPTION_INT, AT(repeats), "1", .low = 1, .high = 1e4,
     .help = "how often the folds are made anew from other random numbers"},
    {"seed", FR_OPTION_INT, AT(seed), "0", .high = 0x1p53, .help = "seed of the folds"},
    {"fraction", FR_OPTION_DOUBLE, AT(fraction), "0.2", .high = 1, .open_low = true,
     .open_high = true,
     .help =
         "shuffle_split, holdout: share of the validation rows; leave_last_out with last 0: "
         "of each user's rows"},
    {"last", FR_OPTION_INT, AT(last), "1", .high = 0x1p53,
     .help = "leave_last_out: so many of the last rows of each user validate"},
    {"gap", FR_OPTION_INT, AT(gap), "0", .high = 0x1p53,
     .help = "time_series: rows left out between training and validation"},
};
const size_t fr_validation_option_count = COUNT_OF(fr_validation_option_table);
#undef AT

#define AT(field) .offset = offsetof(fr_nested_options, field)
const fr_option fr_nested_option_table[] = {
    {"outer_folds", FR_OPTION_INT, AT(outer_folds), "0", .high = 1000,
     .help = "outer folds, made by validation.scheme: for each the search is made once more "
             "without its rows, its model is trained and scored on them; 0: no such estimate"},
    {"seed", FR_OPTION_INT, AT(seed), "0", .high = 0x1p53,
     .help = "seed of the outer folds, and of the random numbers of their searches"},
};
const size_t fr_nested_option_count = COUNT_OF(fr_nested_option_table);

fr_status fr_data_options_defaults(fr_data_options *options)
{
    FR_TRY(fr_option_defaults(fr_data_option_table, fr_data_option_count, options));
    for (size_t i = 0; i < FR_DATA_BLOCKS; i++)
        FR_TRY(fr_option_defaults(fr_data_blocks[i].table, fr_data_blocks[i].n,
                                  (char *)options + fr_data_blocks[i].offset));
    return FR_OK;
}

void fr_data_options_clear(fr_data_options *options)
{
    fr_option_clear(fr_data_option_table, fr_data_option_count, options);
    for (size_t i = 0; i < FR_DATA_BLOCKS; i++)
        fr_option_clear(fr_data_blocks[i].table, fr_data_blocks[i].n,
                        (char *)options + fr_data_blocks[i].offset);
}
