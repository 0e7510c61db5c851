/* SPDX-License-Identifier: BSD-3-Clause */
/* options.c - the settings of the model families and what follows from them: the table rows of
 * each family, its tasks, its parameters and operations. */
#include "foldrank/stem.h"
#include "internal.h"

const char *const fr_family_words[] = {"linear", "softmax", "svm",     "mlp", "cnn",
                                       "fm",     "kernel",  "xgboost", NULL};

static const char *const activation_words[] = {"relu",    "leaky_relu", "tanh",
                                               "sigmoid", "gelu",       NULL};
static const char *const init_words[] = {"auto", "he", "glorot", NULL};
static const char *const loss_words[] = {"squared", "absolute", "huber", NULL};
static const char *const hinge_words[] = {"hinge", "squared_hinge", NULL};
static const char *const kernel_words[] = {"rbf", "laplace", "polynomial", "linear", NULL};
static const char *const precision_words[] = {"double", "single", NULL};
static const char *const kernel_side_words[] = {"1", "3", "5", "7", "9", "11", NULL};
static const char *const pooling_words[] = {"max", "average", NULL};
static const char *const global_pool_words[] = {"none", "max", "average", NULL};
static const char *const flip_words[] = {"none", "horizontal", "vertical", "both", NULL};
const char *const fr_class_weight_words[] = {"none", "balanced", NULL};

#define AT(field) .offset = offsetof(fr_model_options, field)
#define PENALTIES                                                                              \
    {.name = "l1",                                                                             \
     .type = FR_OPTION_DOUBLE,                                                                 \
     AT(l1),                                                                                   \
     .fallback = "0",                                                                          \
     .low = 0,                                                                                 \
     .high = 1e6,                                                                              \
     .help = "lasso penalty on the weights: l1 * sum |w|"},                                    \
    {                                                                                          \
        .name = "l2", .type = FR_OPTION_DOUBLE, AT(l2), .fallback = "0", .low = 0,             \
        .high = 1e6, .help = "ridge penalty on the weights: l2 / 2 * sum w^2"                  \
    }
#define REGRESSION_LOSS                                                                        \
    {.name = "loss",                                                                           \
     .type = FR_OPTION_WORD,                                                                   \
     AT(loss),                                                                                 \
     .fallback = "squared",                                                                    \
     .words = loss_words,                                                                      \
     .help = "what a regression minimises"},                                                   \
    {                                                                                          \
        .name = "huber_delta", .type = FR_OPTION_DOUBLE, AT(huber_delta), .fallback = "1",     \
        .low = 0, .high = 1e12, .open_low = true,                                              \
        .help = "residual from which loss huber is linear [training target's unit]"            \
    }
#define SMOOTHING                                                                              \
    {                                                                                          \
        .name = "label_smoothing", .type = FR_OPTION_DOUBLE, AT(label_smoothing),              \
        .fallback = "0", .low = 0, .high = 1, .open_high = true,                               \
        .help = "share of each target spread over all classes"                                 \
    }
#define CLASS_WEIGHT                                                                           \
    {                                                                                          \
        .name = "class_weight", .type = FR_OPTION_WORD, AT(class_weight), .fallback = "none",  \
        .words = fr_class_weight_words,                                                        \
        .help = "balanced: classes weigh the same, however many rows they have"                \
    }

/* What the layers of the mlp and those behind the convolutions of a cnn have in common. */
#define DENSE_LAYERS(of_hidden, of_activation, of_dropout)                                     \
    {.name = "hidden",                                                                         \
     .type = FR_OPTION_INTS,                                                                   \
     AT(hidden),                                                                               \
     .fallback = "[128]",                                                                      \
     .low = 1,                                                                                 \
     .high = 65536,                                                                            \
     .help = of_hidden},                                                                       \
        {.name = "activation",                                                                 \
         .type = FR_OPTION_WORD,                                                               \
         AT(activation),                                                                       \
         .fallback = "relu",                                                                   \
         .words = activation_words,                                                            \
         .help = of_activation},                                                               \
        {.name = "negative_slope",                                                             \
         .type = FR_OPTION_DOUBLE,                                                             \
         AT(negative_slope),                                                                   \
         .fallback = "0.01",                                                                   \
         .low = 0,                                                                             \
         .high = 1,                                                                            \
         .help = "activation leaky_relu: slope below 0"},                                      \
        {.name = "dropout",                                                                    \
         .type = FR_OPTION_DOUBLE,                                                             \
         AT(dropout),                                                                          \
         .fallback = "0",                                                                      \
         .low = 0,                                                                             \
         .high = 1,                                                                            \
         .open_high = true,                                                                    \
         .help = of_dropout},                                                                  \
    {                                                                                          \
        .name = "init", .type = FR_OPTION_WORD, AT(init), .fallback = "auto",                  \
        .words = init_words,                                                                   \
        .help = "initial weights; auto: glorot for tanh and sigmoid, else he"                  \
    }

static const fr_option linear_table[] = {REGRESSION_LOSS, PENALTIES};
static const fr_option softmax_table[] = {SMOOTHING, CLASS_WEIGHT, PENALTIES};
static const fr_option svm_table[] = {
    {.name = "loss",
     .type = FR_OPTION_WORD,
     AT(hinge),
     .fallback = "squared_hinge",
     .words = hinge_words,
     .help = "margin loss of each class against the rest"},
    CLASS_WEIGHT,
    PENALTIES,
};
static const fr_option mlp_table[] = {
    DENSE_LAYERS("units of each hidden layer, e.g. [128, 64]", "of the hidden layers",
                 "share of hidden units left out in a step"),
    REGRESSION_LOSS,
    SMOOTHING,
    CLASS_WEIGHT,
    PENALTIES,
};

static const fr_option cnn_table[] = {
    {.name = "shape",
     .type = FR_OPTION_INTS,
     AT(shape),
     .fallback = "[]",
     .low = 1,
     .high = 65536,
     .help = "of a row: [height, width, channels] of an image or [length, channels] of a "
             "sequence, the last running fastest; []: a square image of one channel"},
    {.name = "filters",
     .type = FR_OPTION_INTS,
     AT(filters),
     .fallback = "[32, 64]",
     .low = 1,
     .high = FR_FILTERS_MAX,
     .help = "channels that each convolution puts out, with stride 1 and as many pixels"},
    {.name = "kernel",
     .type = FR_OPTION_WORD,
     AT(kernel_side),
     .fallback = "3",
     .words = kernel_side_words,
     .help = "side of the convolutions' kernels [pixels]"},
    {.name = "pool",
     .type = FR_OPTION_INTS,
     AT(pool),
     .fallback = "[2]",
     .low = 1,
     .high = 65536,
     .help = "side and step of the pooling after each convolution, the last for all further "
             "ones; 1: none"},
    {.name = "pooling",
     .type = FR_OPTION_WORD,
     AT(pooling),
     .fallback = "max",
     .words = pooling_words,
     .help = "what is taken of a window"},
    {.name = "global_pool",
     .type = FR_OPTION_WORD,
     AT(global_pool),
     .fallback = "none",
     .words = global_pool_words,
     .help = "pool each channel of the last convolution to one number"},
    {.name = "batch_norm",
     .type = FR_OPTION_BOOL,
     AT(batch_norm),
     .fallback = "false",
     .help = "normalise what convolutions put out, over the rows of a shard of the batch"},
    {.name = "residual",
     .type = FR_OPTION_BOOL,
     AT(residual),
     .fallback = "false",
     .help = "add its input to what a convolution puts out, where both have as many channels"},
    {.name = "shift",
     .type = FR_OPTION_INT,
     AT(shift),
     .fallback = "0",
     .low = 0,
     .high = 4096,
     .help = "training rows: moved at random by up to so many pixels each way (a random crop "
             "of the image with so wide a margin)"},
    {.name = "flip",
     .type = FR_OPTION_WORD,
     AT(flip),
     .fallback = "none",
     .words = flip_words,
     .help = "training rows: mirrored, or not, at random"},
    {.name = "noise",
     .type = FR_OPTION_DOUBLE,
     AT(noise),
     .fallback = "0",
     .low = 0,
     .high = 1e6,
     .help = "training rows: standard deviation of normal noise [preprocessed unit]"},
    DENSE_LAYERS("units of each dense layer between convolutions and outputs; [] for none",
                 "of convolutions and hidden layers",
                 "share of hidden dense units left out in a step"),
    REGRESSION_LOSS,
    SMOOTHING,
    CLASS_WEIGHT,
    PENALTIES,
};

static const fr_option fm_table[] = {
    {.name = "factors",
     .type = FR_OPTION_INT,
     AT(factors),
     .fallback = "8",
     .low = 0,
     .high = 4096,
     .help = "of each input; two inputs interact by their product; 0: weights alone"},
    {.name = "l2",
     .type = FR_OPTION_DOUBLE,
     AT(l2),
     .fallback = "0",
     .low = 0,
     .high = 1e6,
     .help = "penalty of each row: l2 / 2 * sum w^2 over the inputs that it has"},
    {.name = "l2_factors",
     .type = FR_OPTION_DOUBLE,
     AT(l2_factors),
     .fallback = "0",
     .low = 0,
     .high = 1e6,
     .help = "the same for their factors"},
    {.name = "init_sd",
     .type = FR_OPTION_DOUBLE,
     AT(init_sd),
     .fallback = "0.1",
     .low = 0,
     .high = 1e3,
     .help = "standard deviation of the initial factors"},
    REGRESSION_LOSS,
    SMOOTHING,
    CLASS_WEIGHT,
};

static const fr_option kernel_table[] = {
    {.name = "kernel",
     .type = FR_OPTION_WORD,
     AT(kernel),
     .fallback = "rbf",
     .words = kernel_words,
     .help = "rbf: exp(-gamma |x-z|^2); laplace: exp(-gamma sum |x-z|); polynomial: "
             "(gamma x.z + coef0)^degree; linear: x.z"},
    {.name = "gamma",
     .type = FR_OPTION_DOUBLE,
     AT(gamma),
     .fallback = "0",
     .low = 0,
     .high = 1e6,
     .help = "rbf, laplace, polynomial: see kernel; 0: 1 / preprocessed inputs"},
    {.name = "degree",
     .type = FR_OPTION_INT,
     AT(degree),
     .fallback = "3",
     .low = 1,
     .high = 20,
     .help = "kernel polynomial: its degree"},
    {.name = "coef0",
     .type = FR_OPTION_DOUBLE,
     AT(coef0),
     .fallback = "1",
     .low = 0,
     .high = 1e6,
     .help = "kernel polynomial: added before the power"},
    {.name = "ridge",
     .type = FR_OPTION_DOUBLE,
     AT(ridge),
     .fallback = "1",
     .low = 0,
     .high = 1e12,
     .open_low = true,
     .help = "added to the diagonal of the kernel matrix: scikit-learn's alpha"},
    {.name = "ridge_steps",
     .type = FR_OPTION_INT,
     AT(ridge_steps),
     .fallback = "1",
     .low = 1,
     .high = 20,
     .help = "ridge values tried, from ridge on by factors of 10; kept is the one with the "
             "least leave-one-out error of the training rows"},
    {.name = "intercept",
     .type = FR_OPTION_BOOL,
     AT(intercept),
     .fallback = "true",
     .help = "a constant that the ridge does not penalise"},
    {.name = "distribute_from",
     .type = FR_OPTION_INT,
     AT(distribute_from),
     .fallback = "20000",
     .low = 0,
     .high = 1e7,
     .help =
         "a fit to more rows than this is computed by all ranks together, and then equal on "
         "another number of ranks to rounding only; 0: never"},
    {.name = "precision",
     .type = FR_OPTION_WORD,
     AT(precision),
     .fallback = "double",
     .words = precision_words,
     .help = "of a kernel matrix of all ranks. single: half the memory and time, and what is "
             "solved is refined to double's digits; too small a ridge fails"},
    CLASS_WEIGHT,
};

#define ROWS_OF(table) (*n = sizeof(table) / sizeof(table)[0], (table))

const fr_option *fr_model_option_table(fr_family family, size_t *n)
{
    switch (family) {
    case FR_FAMILY_LINEAR:
        return ROWS_OF(linear_table);
    case FR_FAMILY_SOFTMAX:
        return ROWS_OF(softmax_table);
    case FR_FAMILY_SVM:
        return ROWS_OF(svm_table);
    case FR_FAMILY_MLP:
        return ROWS_OF(mlp_table);
    case FR_FAMILY_CNN:
        return ROWS_OF(cnn_table);
    case FR_FAMILY_FM:
        return ROWS_OF(fm_table);
    case FR_FAMILY_KERNEL:
        return ROWS_OF(kernel_table);
    case FR_FAMILY_XGBOOST:
        *n = fr_boost_option_count;
        return fr_boost_option_table;
    case FR_FAMILY_COUNT:
        break;
    }
    *n = 0;
    return NULL;
}

typedef struct {
    bool classifies, regresses, iterates, probable;
} traits;

static const traits traits_of[FR_FAMILY_COUNT] = {
    [FR_FAMILY_LINEAR] = {.regresses = true, .iterates = true},
    [FR_FAMILY_SOFTMAX] = {.classifies = true, .iterates = true, .probable = true},
    [FR_FAMILY_SVM] = {.classifies = true, .iterates = true},
    [FR_FAMILY_MLP] = {true, true, true, true},
    [FR_FAMILY_CNN] = {true, true, true, true},
    [FR_FAMILY_FM] = {true, true, true, true},
    [FR_FAMILY_KERNEL] = {.classifies = true, .regresses = true},
    [FR_FAMILY_XGBOOST] = {true, true, true, true},
};

bool fr_family_learns(fr_family family, fr_learn learn)
{
    const traits *t = &traits_of[family];
    return learn == FR_LEARN_CLASSIFICATION ? t->classifies : t->regresses;
}

bool fr_family_iterates(fr_family family)
{
    return traits_of[family].iterates;
}

bool fr_family_has_probabilities(fr_family family)
{
    return traits_of[family].probable;
}
