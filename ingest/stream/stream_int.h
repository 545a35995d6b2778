/*
 * Private to ingest/stream/stream*.c: streams and what they hold in memory.
 *
 *   stream.c          life, replay, what happens when records are durable     stream_push.c    a push from body to answer
 *   stream_record.c   records of the log                                      stream_note.c    batch ids and marks
 *   stream_merge.c    pieces into larger ones                                 stream_spec.c    how rows are read
 *   stream_publish.c  the hand-over                                           stream_view.c    status, metrics
 *   stream_compact.c  small published segments                                merge.h          rows of several segments
 *   stream_forget.c    ids of batches that are old
 *
 * One lock guards all lists; the log's comes before it. It is never held while bytes are parsed, written, merged or shown. A piece
 * that is `busy` belongs to the thread that merges or publishes it; its place in the list stays.
 */
#pragma once

#include <stdatomic.h>
#include "base/os.h"
#include "base/thread.h"
#include "ingest/load/load.h"
#include "ingest/load/merge.h"
#include "ingest/stream/stream.h"
#include "storage/catalog/live.h"
#include "storage/wal/wal.h"

typedef enum ovi_note_kind {
    OVI_NOTE_BATCH,
    OVI_NOTE_MARK,
} ovi_note_kind;

/* Something durable that belongs to a piece's rows. */
typedef struct ovi_note {
    struct ovi_note *next;  /* of the piece, in order */
    struct ovi_note *chain; /* of the table of batches */
    const struct ovi_stream *stream; /* while it is in that table */
    uint64_t hash;          /* of the key */
    uint8_t kind;           /* ovi_note_kind */
    uint64_t body_hash, rows, rejected; /* BATCH */
    ov_slice key, value;    /* behind the note; the value is a mark's */
} ovi_note;

typedef struct ovi_piece {
    struct ovi_piece *next;
    ov_live *live;               /* NULL: notes only */
    uint64_t first_seq, last_seq; /* of the log's records in it */
    uint64_t rows;               /* stored */
    size_t bytes;
    uint64_t shape;              /* checksum of names and types of its columns */
    int64_t born_ms;             /* ovi_steady_ms */
    int64_t at_ms;               /* when its rows arrived, as the log says */
    ovi_note *notes, **notes_last;
    bool busy;
    bool shown; /* the catalog has it */
} ovi_piece;

typedef struct ovi_stream {
    struct ovi_stream *next;
    ov_slice name; /* behind the stream */
    ov_slice spec; /* as declared; owned; empty: none */
    uint64_t handed; /* records up to this one are published */
    ov_slice handed_text; /* the cursor's value as it stands; owned */
    ovi_piece *first, **last; /* in order of the log */
    ovi_piece *unseen; /* the first one that the catalog does not have; it has none of those behind it either */
    uint32_t pieces, serial;
    uint64_t rows;
    size_t bytes;
    bool publishing;
    uint32_t held;    /* somebody takes rows out of view: no push comes in */
    uint32_t inside;  /* pushes between coming in and their end */
    bool showing;     /* somebody gives the unseen ones to the catalog */
    bool show_failed; /* for want of memory; the merger tries again */
    bool compact; /* segments were published since somebody looked for small ones */
    uint64_t whole_rows; /* what one segment takes, known once putting some together made several; 0: not known */
    uint64_t flush_to; /* somebody waits until pieces up to here are gone */
    int64_t swept_ms; /* ovi_steady_ms when its ids of batches were last looked through; 0: not since the start */
    uint64_t failures; /* of hand-overs, in a row */
    int64_t retry_ms;  /* ovi_steady_ms; no hand-over before */
    ov_error last_error;
    /* since the start */
    uint64_t pushes, duplicates, rows_in, rejected, filtered, rows_published, hand_overs, bytes_in;
    int64_t last_push_ms, last_publish_ms;
} ovi_stream;

/* The owner of a record on its way to the log. */
typedef struct ovi_pushed {
    ovi_stream *stream;
    ovi_piece *piece; /* NULL once it is in the stream's list */
} ovi_pushed;

enum { OVI_BATCH_SLOTS = 1 << 12, OVI_MOST_PIECES = 20000 /* of a stream; past it pushes are refused */ };

struct ov_streams {
    ov_streams_config config;
    ov_wal *wal;
    ov_budget budget; /* of what is parsed and merged */
    ov_mutex lock;
    ov_cond changed; /* pieces came or went, a batch ended, or stop */
    ov_cond published; /* a stream is to be looked through for small segments, or stop */
    bool stop;
    _Atomic bool ending; /* the same, for who does not ask under the lock */
    ovi_stream *streams; /* by name */
    uint32_t stream_count;
    ovi_note **batches; /* table of batch ids of pieces, OVI_BATCH_SLOTS chains */
    struct ovi_flight *flights; /* batches on their way */
    uint64_t listed_seq; /* records up to this one are in the lists, or published */
    size_t bytes;        /* of all pieces */
    size_t incoming;     /* room that bodies on their way have taken */
    uint64_t refused;    /* pushes, for want of room */
    uint64_t answered;   /* refusals after which something was handed over */
    uint64_t merges;
    _Atomic uint64_t file_no;
    int64_t began_ms, began_steady_ms; /* wall clock, and ovi_steady_ms then */
    ov_thread merger, publisher, compactor;
};

/* For everything that is waited for: a wall clock that somebody sets makes no wait longer or shorter. */
static inline int64_t ovi_steady_ms(void)
{
    return ov_monotonic_ns() / 1000000;
}
/* The wall clock as it was at the start, and the time since: the age of batch ids, which a clock that jumps must not forget. */
static inline int64_t ovi_streams_now(const ov_streams *s)
{
    return s->began_ms + (ovi_steady_ms() - s->began_steady_ms);
}

/* ---- stream.c ---- */
/* Under the lock; made when it is not there. The name must have been checked. */
OV_CHECKED ov_status ovi_stream_find(ov_streams *s, ov_slice name, ovi_stream **out, ov_error *err);
ovi_stream *ovi_stream_known(ov_streams *s, ov_slice name); /* under the lock; NULL when there is none */
ovi_piece *ovi_piece_create(void); /* NULL when memory is out */
/* The image, which is taken over also on failure, becomes the piece's rows, which arrived at p->at_ms; NULL: it has none. */
OV_CHECKED ov_status ovi_piece_fill(ovi_piece *p, ov_slice datasource, uint32_t serial, void *image, size_t bytes,
                                    ov_error *err);
void ovi_piece_destroy(ovi_piece *p); /* with its notes, which must be in no table */
/* Under the lock: the piece is the newest of the stream. */
void ovi_stream_append(ov_streams *s, ovi_stream *stream, ovi_piece *p);
/* A push comes in, and ends; it waits while the stream is held. `within`: as in ov_push. */
OV_CHECKED ov_status ovi_stream_enter(ov_streams *s, ov_slice name, bool within, ovi_stream **out, ov_error *err);
void ovi_stream_leave(ov_streams *s, ovi_stream *stream);
/* Returns when queries see the stream's record `seq`, which is durable. Outside the lock. */
void ovi_stream_show(ov_streams *s, ovi_stream *stream, uint64_t seq);
/* Pieces that the catalog could not take when they came. Outside the lock. */
void ovi_streams_show(ov_streams *s);
/* A datasource's cursor key: "stream/<what>/<datasource>" and, when there is one, "/<rest>". */
OV_CHECKED ov_status ovi_stream_key(ov_arena *a, const char *what, ov_slice datasource, ov_slice rest, ov_slice *out,
                                    ov_error *err);

/* ---- stream_record.c ---- */
enum { OVI_RECORD_ROWS = 1 };
typedef struct ovi_record {
    ov_slice datasource, batch;
    uint64_t body_hash, rows, rejected;
    const ov_stream_mark *marks;
    uint32_t mark_count;
    int64_t at_ms;  /* when the rows arrived; 0: written by a program that did not say */
    ov_slice image; /* empty: notes only */
} ovi_record;
/* All but the image, which follows at a multiple of 64. */
OV_CHECKED ov_status ovi_record_write(const ovi_record *r, ov_buf *out, ov_error *err);
/* Slices into the payload; the marks in the arena. The bytes are untrusted. */
OV_CHECKED ov_status ovi_record_read(ov_slice payload, ov_arena *a, ovi_record *out, ov_error *err);

/* ---- stream_note.c ---- */
/* Batch and marks of a record become notes of the piece. */
OV_CHECKED ov_status ovi_notes_add(ovi_piece *p, const ovi_record *r, ov_error *err);
/* Under the lock: the piece's batches can be found, or not any more. */
void ovi_batches_enter(ov_streams *s, ovi_stream *stream, ovi_piece *p);
void ovi_batches_leave(ov_streams *s, ovi_stream *stream, ovi_piece *p);
/* A batch on its way, so that the same id at the same time waits for it. */
typedef struct ovi_flight {
    struct ovi_flight *next;
    ov_slice datasource, batch;
} ovi_flight;
typedef struct ovi_batch_fate {
    bool known;
    uint64_t body_hash, rows, rejected;
} ovi_batch_fate;
/* What the catalog keeps of a batch; *published_ms 0: written by a version that did not say. */
OV_CHECKED ov_status ovi_fate_read(ov_slice text, ovi_batch_fate *fate, int64_t *published_ms, ov_error *err);
/* Waits while the same id is on its way; then either it is known, or `flight` is under way and must land. */
OV_CHECKED ov_status ovi_batch_begin(ov_streams *s, ov_slice datasource, ov_slice batch, ovi_flight *flight,
                                     ovi_batch_fate *fate, ov_error *err);
void ovi_batch_land(ov_streams *s, ovi_flight *flight);
/* Cursors of the pieces from `first`, `count` of them, for the commit of their hand-over. */
struct ov_publish;
OV_CHECKED ov_status ovi_notes_publish(ov_streams *s, const ovi_stream *stream, ovi_piece *const *pieces, uint32_t count,
                                       struct ov_publish *to, ov_error *err);

/* ---- stream_spec.c ---- */
/* The spec that rows of the stream are read with; `declared` empty: the one of discovery. */
OV_CHECKED ov_status ovi_stream_spec(ov_slice datasource, ov_slice declared, ov_push_format format, ov_arena *out,
                                     ov_spec **spec, ov_error *err);

/* ---- stream_merge.c, stream_publish.c ---- */
void ovi_merger(void *streams);    /* threads */
void ovi_publisher(void *streams);
/* The segments of the pieces that have rows, borrowed; out has room for all. Their entries are those of the snapshot, which
 * must be held and be no older than the pieces. */
uint32_t ovi_stream_inputs(const ov_snapshot *snap, ov_slice datasource, ovi_piece *const *pieces, uint32_t count,
                           ovi_merge_input *out);
/* ovi_merge_seal in the streams' memory, with open builders in so much of it. `cancel` may be NULL. */
OV_CHECKED ov_status ovi_stream_seal(ov_streams *s, const ovi_merge *what, size_t memory, const _Atomic bool *cancel,
                                     ov_publish *to, ov_error *err);
/* ---- stream_compact.c ---- */
void ovi_compactor(void *streams); /* a thread: nobody waits for it */
/* Put small published segments of one time chunk of the stream together; *done false: there are none to put together. */
OV_CHECKED ov_status ovi_stream_compact(ov_streams *s, ovi_stream *stream, bool *done, ov_error *err);
/* ---- stream_forget.c ---- */
/* Once an hour: ids of the stream's batches that nobody will repeat any more leave the catalog. Trouble is only logged. */
void ovi_batches_forget(ov_streams *s, ovi_stream *stream);
/* One hand-over of this stream, of what is not busy; *done false: there was nothing to do. */
OV_CHECKED ov_status ovi_stream_hand_over(ov_streams *s, ovi_stream *stream, bool *done, ov_error *err);
