/* export.h - what is visible outside the library, and what may not be ignored. */
#ifndef AGOP_EXPORT_H
#define AGOP_EXPORT_H

#if defined(__GNUC__)
#define AGOP_API __attribute__((visibility("default")))
#define AGOP_MUST_CHECK __attribute__((warn_unused_result))
#else
#define AGOP_API
#define AGOP_MUST_CHECK
#endif

/* A function that can fail: visible, and its answer must be looked at. */
#define AGOP_STATUS AGOP_MUST_CHECK AGOP_API agop_status

#endif
