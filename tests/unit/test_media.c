/* SPDX-License-Identifier: BSD-3-Clause */
/* Folders and lists of sounds and images: what names tell, what content becomes, bad files. */
#include "data_fixture.h"

#include <math.h>
#include <png.h>
#include <sys/stat.h>

#include "reference.h"

enum { RATE = 8000, N_SAMPLES = 1500, HEAD = 44 };

static double sample[N_SAMPLES]; /* 16-bit integers */

static int read_samples(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_SAMPLES; i += 500) {
        char head[64];
        snprintf(head, sizeof head, "samples first=%zu", i);
        const reference part = reference_find("scipy_mel.txt", head);
        for (size_t k = 0; k < part.n; k++) sample[i + k] = part.value[k];
    }
    return 0;
}

/* ---- files ---- */

/* DIR/name; folders on the way are made. */
static const char *place(const data_case *c, const char *name)
{
    static char path[256];
    snprintf(path, sizeof path, "%s/%s", c->dir, name);
    for (char *slash = path + strlen(c->dir) + 1; (slash = strchr(slash, '/')) != NULL;) {
        *slash = '\0';
        (void)mkdir(path, 0777);
        *slash++ = '/';
    }
    return path;
}

static void put(const data_case *c, const char *name, const void *bytes, size_t n)
{
    FILE *file = fopen(place(c, name), "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, n, file), n);
    assert_int_equal(fclose(file), 0);
}

static void put_number(unsigned char *at, uint32_t value, int bytes)
{
    for (int b = 0; b < bytes; b++) at[b] = (unsigned char)(value >> 8 * b);
}

/* A WAV file of n frames in `out`; `bits` of integers, or -32: floats. All channels have the
 * sample but the last of several, which has it negative. Returns the bytes. */
static size_t make_wav(unsigned char *out, int bits, int channels, uint32_t rate, size_t n)
{
    const int bytes = abs(bits) / 8;
    const uint32_t size = (uint32_t)(n * (size_t)(bytes * channels));
    memcpy(out, "RIFF....WAVEfmt ....................data", 40);
    put_number(out + 4, size + HEAD - 8, 4);
    put_number(out + 16, 16, 4);
    put_number(out + 20, bits < 0 ? 3 : 1, 2);
    put_number(out + 22, (uint32_t)channels, 2);
    put_number(out + 24, rate, 4);
    put_number(out + 28, rate * (uint32_t)(bytes * channels), 4);
    put_number(out + 32, (uint32_t)(bytes * channels), 2);
    put_number(out + 34, (uint32_t)abs(bits), 2);
    put_number(out + 40, size, 4);
    unsigned char *at = out + HEAD;
    for (size_t i = 0; i < n; i++)
        for (int ch = 0; ch < channels; ch++, at += bytes) {
            const double value = channels > 1 && ch == channels - 1 ? -sample[i] : sample[i];
            const float real = (float)(value / 32768);
            if (bits < 0)
                memcpy(at, &real, sizeof real);
            else if (bits == 8)
                *at = (unsigned char)(floor(value / 256) + 128);
            else
                put_number(at, (uint32_t)(int32_t)value << (bits - 16), bytes);
        }
    return HEAD + size;
}

static void put_wav(const data_case *c, const char *name, int bits, int channels, uint32_t rate,
                    size_t n)
{
    static unsigned char bytes[HEAD + 4 * 3 * N_SAMPLES];
    put(c, name, bytes, make_wav(bytes, bits, channels, rate, n));
}

/* Two digits by two speakers, and a file that is no sound. */
static void start_sounds(data_case *c)
{
    case_start(c);
    case_set(c, "path", c->dir);
    c->options.sound.rate = RATE;
    c->options.sound.mels = 20;
    put(c, "README.md", "not a sound", 11);
    put_wav(c, "7_jo_10.wav", 16, 1, RATE, N_SAMPLES);
    put_wav(c, "7_ann_2.wav", 16, 1, RATE, 1000);
    put_wav(c, "3_jo_2.wav", 16, 1, RATE, 500);
}

static void put_png(const data_case *c, const char *name, uint32_t format, uint32_t height,
                    uint32_t width, const void *pixels)
{
    png_image image = {.version = PNG_IMAGE_VERSION, .format = format};
    image.height = height;
    image.width = width;
    assert_int_not_equal(png_image_write_to_file(&image, place(c, name), 0, pixels, 0, NULL),
                         0);
}

/* ---- names ---- */

static void names_of_files_become_columns(void **state)
{
    (void)state;
    data_case c;
    start_sounds(&c);
    case_set(&c, "pattern", "\"{label}_{speaker}_{index}.wav\"");
    case_set(&c, "group", "speaker");
    case_set(&c, "test.column", "index");
    case_set(&c, "test.values", "[10, 11]");
    case_read(&c);
    assert_int_equal(c.set.schema.rows, 3); /* 3_jo_2, 7_ann_2, 7_jo_10 */
    assert_int_equal(c.set.schema.cols, 260);
    assert_string_equal(c.set.schema.columns[0].name, "mfcc0_t0");
    assert_string_equal(c.set.schema.columns[259].name, "mfcc12_t19");
    assert_string_equal(c.set.schema.target_name, "label");
    assert_string_equal(c.set.schema.classes[0], "3");
    assert_string_equal(c.set.schema.classes[1], "7");
    assert_true(c.set.y[0] == 0 && c.set.y[1] == 1 && c.set.y[2] == 1);
    assert_true(c.set.group[0] == 1 && c.set.group[1] == 0 && c.set.group[2] == 1);
    assert_true(!c.set.test_mark[0] && !c.set.test_mark[1] && c.set.test_mark[2]);
    case_set(&c, "test.column", "speaker");
    case_set(&c, "group", "index");
    case_set(&c, "test.values", "[jo]");
    case_read(&c);
    assert_true(c.set.test_mark[0] && !c.set.test_mark[1] && c.set.test_mark[2]);
    case_set(&c, "test.values", "[joe]");
    case_fails(&c, FR_ERR_DATA, "no row has one of the 1 data.test.values (`joe` ...)");
    case_end(&c);
}

static void names_that_do_not_fit(void **state)
{
    (void)state;
    data_case c;
    start_sounds(&c);
    case_fails(&c, FR_ERR_DATA,
               "/3_jo_2.wav: no value in column `label`, the target; data.pattern says");
    case_set(&c, "pattern", "\"{label}_{speaker}.wav\"");
    case_set(&c, "target", "speaker");
    case_read(&c); /* the shortest: label 3, speaker jo_2 */
    assert_string_equal(c.set.schema.classes[2], "jo_2");
    case_set(&c, "task", "regression");
    case_fails(&c, FR_ERR_DATA, "the value `jo_2`, not a number, but data.task is regression");
    case_set(&c, "task", "classification");
    case_set(&c, "target", "spaeker");
    case_fails(&c, FR_ERR_DATA, "names of files give `label`, `speaker`");
    case_set(&c, "target", "label");
    put_wav(&c, "silence.wav", 16, 1, RATE, 500);
    case_fails(&c, FR_ERR_DATA,
               "/silence.wav: no value in column `label`, the target; data.pattern says");
    static const char *const broken[][2] = {{"\"{label.wav\"", "a brace has to enclose"},
                                            {"\"{}_{b}\"", "a brace has to enclose"},
                                            {"\"{a}_{a}\"", "has {a} twice"},
                                            {"\"*.wav\"", "names 0 columns"}};
    for (size_t i = 0; i < sizeof broken / sizeof *broken; i++) {
        case_set(&c, "pattern", broken[i][0]);
        case_fails(&c, FR_ERR_DATA, broken[i][1]);
    }
    case_end(&c);
}

static void folders_are_classes(void **state)
{
    (void)state;
    data_case c;
    case_start(&c);
    case_set(&c, "path", c.dir);
    c.options.sound.rate = RATE;
    put_wav(&c, "set/yes/b.WAV", 16, 1, RATE, 400);
    put_wav(&c, "set/no/a.wav", 16, 1, RATE, 400);
    put_wav(&c, "set/no/.hidden.wav", 16, 1, RATE, 0);
    case_read(&c);
    assert_int_equal(c.set.schema.rows, 2);
    assert_string_equal(c.set.schema.classes[0], "no");
    assert_true(c.set.y[0] == 0 && c.set.y[1] == 1);
    put_png(&c, "set/no/a.png", PNG_FORMAT_GRAY, 1, 1, "\x07");
    case_fails(&c, FR_ERR_DATA, "holds sounds (");
    case_set(&c, "format", "sound");
    case_read(&c);
    case_set(&c, "path", "/proc/self/fdinfo");
    case_fails(&c, FR_ERR_DATA, "holds no file with a name that ends with .wav, .flac");
    case_end(&c);
}

static void lists_name_files(void **state)
{
    (void)state;
    data_case c;
    start_sounds(&c);
    case_set(&c, "format", "sound");
    case_set(&c, "group", "who");
    case_text(&c, "list.csv",
              "who,file,label\njo,7_jo_10.wav,seven\nann,7_ann_2.wav,seven\n"
              "jo,3_jo_2.wav,three\n");
    case_read(&c);
    assert_int_equal(c.set.schema.cols, 260);
    assert_string_equal(c.set.schema.classes[1], "three");
    assert_true(c.set.y[0] == 0 && c.set.y[2] == 1);
    assert_true(c.set.group[0] == 1 && c.set.group[1] == 0);
    case_text(&c, "list.csv", "who,file,label\njo,7_jo_10.wav,seven\nann,gone.wav,seven\n");
    case_fails(&c, FR_ERR_DATA, "list.csv:3: file `gone.wav` cannot be read: No such file");
    case_text(&c, "list.csv", "who,path,label\njo,7_jo_10.wav,seven\n");
    case_fails(&c, FR_ERR_DATA, "list.csv:1: a list of sounds or images needs a column `file`");
    case_text(&c, "list.csv", "who,file,label\n");
    case_fails(&c, FR_ERR_DATA, "list.csv: names no files");
    case_end(&c);
}

/* A model's schema decides; unknown names and labels are no fault then. */
static void one_sound_is_read_for_a_model(void **state)
{
    (void)state;
    data_case c;
    fr_source *source;
    start_sounds(&c);
    case_set(&c, "pattern", "\"{label}_{speaker}_{index}.wav\"");
    case_read(&c);
    fr_data_options options = c.options;
    char path[128];
    snprintf(path, sizeof path, "%s/7_jo_10.wav", c.dir);
    options.path = path;
    assert_int_equal(fr_source_open_like(&options, &c.set.schema, &source), FR_OK);
    void *block = fr_alloc(fr_schema_bytes(fr_source_schema(source)), 1);
    assert_int_equal(fr_source_fill(source, block), FR_OK);
    assert_int_equal(fr_source_schema(source)->rows, 1);
    assert_memory_equal(block, (const float *)c.set.x + 2 * 260, 260 * sizeof(float));
    free(block);
    fr_source_close(&source);
    snprintf(path, sizeof path, "%s/talk.wav", c.dir);
    put_wav(&c, "talk.wav", 16, 1, RATE, 600);
    assert_int_equal(fr_source_open_like(&options, &c.set.schema, &source), FR_OK);
    fr_source_close(&source);
    options.sound.mels = 12;
    options.sound.coefficients = 12;
    assert_int_equal(fr_source_open_like(&options, &c.set.schema, &source), FR_ERR_DATA);
    assert_non_null(strstr(fr_status_message(), "lacks 20 columns: `mfcc12_t0`"));
    case_end(&c);
}

static void import_keeps_sounds(void **state)
{
    (void)state;
    data_case c;
    start_sounds(&c);
    case_set(&c, "pattern", "\"{label}_{speaker}_{index}.wav\"");
    case_set(&c, "group", "speaker");
    case_read(&c);
    float cells[3 * 260];
    memcpy(cells, c.set.x, sizeof cells);
    char path[128];
    snprintf(path, sizeof path, "%s/out.h5", c.dir);
    assert_int_equal(fr_dataset_write_hdf5(&c.set, path), FR_OK);
    case_set(&c, "path", path);
    case_set(&c, "group", "group");
    case_read(&c);
    assert_memory_equal(cells, c.set.x, sizeof cells);
    assert_string_equal(c.set.schema.columns[259].name, "mfcc12_t19");
    assert_true(c.set.y[0] == 0 && c.set.group[1] == 0);
    case_end(&c);
}

/* ---- sounds ---- */

static void expect_row(data_case *c, size_t row, const char *head, double tolerance)
{
    const reference want = reference_find("scipy_mel.txt", head);
    case_read(c);
    assert_int_equal(c->set.schema.cols, want.n);
    for (size_t i = 0; i < want.n; i++)
        if (!(fabs(case_cell(c, row, i) - want.value[i]) < tolerance))
            fail_msg("%s: number %zu is %.7g, not %.7g", head, i, case_cell(c, row, i),
                     want.value[i]);
}

static void rows_equal_scipy(void **state)
{
    (void)state;
    data_case c;
    start_sounds(&c);
    case_set(&c, "pattern", "\"{label}_{speaker}_{index}.wav\"");
    fr_sound_options *o = &c.options.sound;
    o->length = FR_LENGTH_PAD;
    o->frames = 17;
    o->features = FR_SOUND_LOG_MEL;
    expect_row(&c, 2, "log_mel rows=17 cols=20", 2e-5);
    o->mels = 12;
    o->low = 100;
    o->high = 3000;
    expect_row(&c, 2, "band rows=17 cols=12", 2e-5);
    o->mels = 20;
    o->low = o->high = 0;
    o->features = FR_SOUND_MFCC;
    expect_row(&c, 2, "mfcc rows=17 cols=13", 2e-5);
    o->normalize = FR_NORMALIZE_MEAN;
    expect_row(&c, 2, "mean rows=17 cols=13", 2e-5);
    o->normalize = FR_NORMALIZE_STANDARD;
    expect_row(&c, 2, "standard rows=17 cols=13", 5e-5);
    o->normalize = FR_NORMALIZE_NONE;
    o->frames = 20;
    expect_row(&c, 2, "pad rows=20 cols=13", 2e-5);
    o->length = FR_LENGTH_SEGMENTS;
    o->frames = 5;
    expect_row(&c, 2, "segments rows=5 cols=13", 2e-5);
    o->length = FR_LENGTH_STATISTICS;
    expect_row(&c, 2, "statistics rows=2 cols=13", 2e-5);
    put_wav(&c, "3_jo_2.wav", 16, 1, RATE, 90);
    o->length = FR_LENGTH_SEGMENTS;
    o->frames = 1;
    expect_row(&c, 0, "short rows=1 cols=13", 2e-5);
    case_end(&c);
}

/* Every sample format says the same; opposite channels cancel. */
static void formats_and_channels_are_alike(void **state)
{
    (void)state;
    data_case c;
    start_sounds(&c);
    case_set(&c, "pattern", "\"{label}_{speaker}_{index}.wav\"");
    c.options.sound.length = FR_LENGTH_PAD;
    c.options.sound.frames = 17;
    static const int bits[] = {24, 32, -32};
    for (size_t i = 0; i < sizeof bits / sizeof *bits; i++) {
        put_wav(&c, "7_jo_10.wav", bits[i], 1, RATE, N_SAMPLES);
        expect_row(&c, 2, "mfcc rows=17 cols=13", 2e-5);
    }
    for (size_t i = 0; i < N_SAMPLES; i++) sample[i] = floor(sample[i] / 256) * 256;
    float exact[13], row[13];
    put_wav(&c, "7_jo_10.wav", 16, 1, RATE, N_SAMPLES);
    case_read(&c);
    memcpy(exact, (const float *)c.set.x + 2 * c.set.schema.cols, sizeof exact);
    put_wav(&c, "7_jo_10.wav", 8, 1, RATE, N_SAMPLES);
    case_read(&c);
    memcpy(row, (const float *)c.set.x + 2 * c.set.schema.cols, sizeof row);
    for (size_t i = 0; i < 13; i++) assert_true(fabsf(row[i] - exact[i]) < 2e-5f);
    read_samples(NULL);
    put_wav(&c, "7_jo_10.wav", 16, 3, RATE, N_SAMPLES); /* a third of it is left: ln(9) less */
    c.options.sound.features = FR_SOUND_LOG_MEL;
    case_read(&c);
    const reference want = reference_find("scipy_mel.txt", "log_mel rows=17 cols=20");
    for (size_t i = 0; i < want.n; i++)
        assert_true(fabs(case_cell(&c, 2, i) + log(9) - want.value[i]) < 5e-4);
    put_wav(&c, "7_jo_10.wav", 16, 2, RATE, N_SAMPLES);
    case_read(&c);
    assert_true(fabs(case_cell(&c, 2, 0) - log(1e-10)) < 1e-4);
    case_end(&c);
}

static void bad_sounds_are_named(void **state)
{
    (void)state;
    static unsigned char bytes[HEAD + 4 * N_SAMPLES];
    data_case c;
    start_sounds(&c);
    case_set(&c, "pattern", "\"{label}_{speaker}_{index}.wav\"");
    const size_t n = make_wav(bytes, 16, 1, RATE, N_SAMPLES);
    put(&c, "7_jo_10.wav", bytes, n - 2);
    case_fails(&c, FR_ERR_DATA,
               "/7_jo_10.wav: is cut off: 2998 of the 3000 bytes of sound that its head");
    put(&c, "7_jo_10.wav", bytes, 20);
    case_fails(&c, FR_ERR_DATA, "/7_jo_10.wav: is no sound that can be read: ");
    put(&c, "7_jo_10.wav", bytes, 0);
    case_fails(&c, FR_ERR_DATA, "/7_jo_10.wav: is no sound that can be read: ");
    put(&c, "7_jo_10.wav", "label,x\n1,2\n", 12);
    case_fails(&c, FR_ERR_DATA, "/7_jo_10.wav: is no sound that can be read: ");
    put_wav(&c, "7_jo_10.wav", 16, 1, RATE, 0);
    case_fails(&c, FR_ERR_DATA, "/7_jo_10.wav: has no samples");
    put_wav(&c, "7_jo_10.wav", 16, 1, 44100, 500);
    case_fails(&c, FR_ERR_DATA,
               "/7_jo_10.wav: has 44100 samples a second, but data.sound.rate is 8000");
    make_wav(bytes, -32, 1, RATE, N_SAMPLES);
    put_number(bytes + HEAD + 4 * 17, 0x7fc00000, 4);
    put(&c, "7_jo_10.wav", bytes, HEAD + 4 * N_SAMPLES);
    case_fails(&c, FR_ERR_DATA, "/7_jo_10.wav: sample 17 is not a finite number");
    case_end(&c);
}

static void settings_must_agree(void **state)
{
    (void)state;
    data_case c;
    start_sounds(&c);
    c.options.sound.coefficients = 21;
    case_fails(&c, FR_ERR_DATA, "data.sound.coefficients is 21; of 20 mel bands");
    c.options.sound.coefficients = 13;
    c.options.sound.high = 5000;
    case_fails(&c, FR_ERR_DATA, "there is nothing above 4000 Hz");
    c.options.sound.low = 3000;
    c.options.sound.high = 3000;
    case_fails(&c, FR_ERR_DATA, "data.sound.low is 3000 Hz, not below");
    c.options.sound.low = c.options.sound.high = 0;
    c.options.sound.mels = 200;
    case_fails(&c, FR_ERR_DATA, "fewer mels or a longer window");
    case_end(&c);
}

/* ---- images ---- */

static void expect_pixels(data_case *c, size_t row, size_t n, const unsigned char *want)
{
    case_read(c);
    assert_int_equal(c->set.schema.cols, n);
    assert_int_equal(c->set.schema.cell, FR_CELL_U8);
    for (size_t i = 0; i < n; i++)
        if (case_cell(c, row, i) != want[i])
            fail_msg("pixel %zu is %g, not %d", i, case_cell(c, row, i), want[i]);
}

static void pixels_are_cells(void **state)
{
    (void)state;
    static const unsigned char gray[] = {0, 1, 2, 253, 254, 255};
    static const unsigned char color[] = {9, 8, 7, 255, 0, 0, 0, 255, 0,
                                          1, 2, 3, 4,   5, 6, 7, 7,   7};
    static const unsigned char same[] = {50, 50, 50, 50, 50, 50};
    data_case c;
    case_start(&c);
    case_set(&c, "path", c.dir);
    put_png(&c, "cat/1.png", PNG_FORMAT_GRAY, 2, 3, gray);
    put_png(&c, "dog/1.png", PNG_FORMAT_GRAY, 2, 3, same);
    expect_pixels(&c, 0, 6, gray);
    assert_string_equal(c.set.schema.columns[5].name, "px_1_2");
    assert_string_equal(c.set.schema.classes[1], "dog");
    c.options.image.color = FR_COLOR_RGB;
    put_png(&c, "cat/1.png", PNG_FORMAT_RGB, 2, 3, color);
    expect_pixels(&c, 0, 18, color);
    assert_string_equal(c.set.schema.columns[17].name, "px_1_2_b");
    case_end(&c);
}

static void images_are_resized_by_areas(void **state)
{
    (void)state;
    static const unsigned char four[] = {0, 10, 100, 100, 20, 30, 100, 101,
                                         1, 1,  200, 255, 1,  2,  200, 255};
    static const unsigned char two[] = {15, 100, 1, 228};
    static const unsigned char line[] = {0, 90};
    static const unsigned char longer[] = {0, 45, 90};
    static const unsigned char three[] = {0, 30, 90};
    static const unsigned char shorter[] = {10, 70};
    data_case c;
    case_start(&c);
    case_set(&c, "path", c.dir);
    put_png(&c, "cat/1.png", PNG_FORMAT_GRAY, 4, 4, four);
    put_png(&c, "dog/1.png", PNG_FORMAT_GRAY, 1, 2, line);
    case_fails(&c, FR_ERR_DATA, "/dog/1.png: has 1 x 2 pixels, ");
    c.options.image.size = (fr_ints){{2, 2}, 2};
    expect_pixels(&c, 0, 4, two);
    c.options.image.size = (fr_ints){{1, 3}, 2};
    expect_pixels(&c, 1, 3, longer);
    put_png(&c, "dog/1.png", PNG_FORMAT_GRAY, 1, 3, three);
    c.options.image.size = (fr_ints){{1, 2}, 2};
    expect_pixels(&c, 1, 2, shorter);
    c.options.image.size.n = 1;
    case_fails(&c, FR_ERR_DATA, "data.image.size has 1 numbers; it is [height, width]");
    case_end(&c);
}

static void bad_images_are_named(void **state)
{
    (void)state;
    unsigned char noise[64 * 64], bytes[16384];
    data_case c;
    case_start(&c);
    case_set(&c, "path", c.dir);
    for (size_t i = 0; i < sizeof noise; i++) noise[i] = (unsigned char)(i * i * 7 + i / 3);
    put_png(&c, "cat/1.png", PNG_FORMAT_GRAY, 64, 64, noise);
    put_png(&c, "dog/1.png", PNG_FORMAT_GRAY, 64, 64, noise);
    case_read(&c);
    FILE *file = fopen(place(&c, "dog/1.png"), "rb");
    const size_t n = fread(bytes, 1, sizeof bytes, file);
    fclose(file);
    put(&c, "dog/1.png", bytes, n / 2);
    case_fails(&c, FR_ERR_DATA, "/dog/1.png: is cut off or damaged: ");
    put(&c, "dog/1.png", bytes, 20);
    case_fails(&c, FR_ERR_DATA, "/dog/1.png: is no PNG image that can be read: ");
    put(&c, "dog/1.png", bytes, 0);
    case_fails(&c, FR_ERR_DATA, "/dog/1.png: is no PNG image that can be read: ");
    put(&c, "dog/1.png", "GIF89a: another format", 22);
    case_fails(&c, FR_ERR_DATA, "/dog/1.png: is no PNG image that can be read: ");
    case_end(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_of_files_become_columns),
        cmocka_unit_test(names_that_do_not_fit),
        cmocka_unit_test(folders_are_classes),
        cmocka_unit_test(lists_name_files),
        cmocka_unit_test(one_sound_is_read_for_a_model),
        cmocka_unit_test(import_keeps_sounds),
        cmocka_unit_test(rows_equal_scipy),
        cmocka_unit_test(formats_and_channels_are_alike),
        cmocka_unit_test(bad_sounds_are_named),
        cmocka_unit_test(settings_must_agree),
        cmocka_unit_test(pixels_are_cells),
        cmocka_unit_test(images_are_resized_by_areas),
        cmocka_unit_test(bad_images_are_named),
    };
    return cmocka_run_group_tests(tests, read_samples, NULL);
}
