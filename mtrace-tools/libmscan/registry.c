/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The list of analyses. Its entries come from the one list in meson.build,
 * which also compiles their files, so that none can be forgotten.
 */
#include "mscan-internal.h"
#include "mscan-analyses.h"
#include <string.h>

#define DECLARE(id) extern const MscanAnalysis mscan_analysis_##id;
MSCAN_ANALYSES(DECLARE)

#define REFERENCE(id) &mscan_analysis_##id,
static const MscanAnalysis *const analyses[] = {
    MSCAN_ANALYSES(REFERENCE)
    NULL
};

const MscanAnalysis *const *mscan_registry(void)
{
    return analyses;
}

const MscanAnalysis *mscan_registry_find(const char *name)
{
    for (unsigned i = 0; analyses[i]; i++) {
        if (!strcmp(analyses[i]->name, name)) {
            return analyses[i];
        }
    }
    return NULL;
}
