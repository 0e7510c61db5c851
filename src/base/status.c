/* SPDX-License-Identifier: BSD-3-Clause */
/* status.c - the thread-local record behind FR_FAIL. */
#include "foldrank/status.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { MESSAGE_SIZE = 4096, PLACE_SIZE = 128 };

static _Thread_local char message_slot[MESSAGE_SIZE];
static _Thread_local char place_slot[PLACE_SIZE];

fr_status fr_status_record(fr_status code, const char *file, int line, const char *format, ...)
{
    /* The arguments may point into the old message ("...: %s", fr_status_message()). */
    char text[MESSAGE_SIZE];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    memcpy(message_slot, text, sizeof text);
    snprintf(place_slot, sizeof place_slot, "%s:%d", file, line);
    return code;
}

const char *fr_status_message(void)
{
    return message_slot;
}

const char *fr_status_place(void)
{
    return place_slot;
}

fr_status fr_status_set(fr_status code, const char *message)
{
    snprintf(message_slot, sizeof message_slot, "%s", message);
    place_slot[0] = '\0';
    return code;
}

const char *fr_status_word(fr_status code)
{
    static const char *const words[] = {
#define X(name, exit_code, word) [name] = word,
        FR_STATUS_LIST(X)
#undef X
    };
    return words[code];
}

int fr_status_exit_code(fr_status code)
{
    static const int codes[] = {
#define X(name, exit_code, word) [name] = exit_code,
        FR_STATUS_LIST(X)
#undef X
    };
    return codes[code];
}
