/*
 * Secrets that stand in a batch document as they are. Druid takes them, so we do; but a task's document is kept and shown, and
 * theirs are not. Who wants them kept names them: {"type": "environment", "variable": "NAME"}.
 */
#include "ingest/spec/spec.h"

#include "base/json.h"

static bool has_word(ov_slice name, const char *const *words, size_t n)
{
    char low[80];
    size_t len = OV_MIN(name.n, sizeof low);
    for (size_t i = 0; i < len; i++)
        low[i] = ov_ascii_lower(name.p[i]);
    for (size_t i = 0; i < n; i++)
        if (memmem(low, len, words[i], strlen(words[i])))
            return true;
    return false;
}

/* Request headers that carry secrets, by their names. */
static bool is_secret_header(ov_slice name)
{
    static const char *const words[] = {"auth", "cookie", "token", "key", "secret", "password"};
    return has_word(name, words, OV_COUNT_OF(words));
}

static bool hide_value(ov_json *v)
{
    if (!v || v->kind != OV_JSON_STRING || v->s.n == 0 || ov_slice_eq(v->s, OV_SPEC_HIDDEN))
        return false;
    v->s = OV_SPEC_HIDDEN;
    return true;
}

static ov_json *member(const ov_json *obj, const char *key)
{
    for (ov_json *v = obj->first; v; v = v->next)
        if (ov_slice_eq(v->key, ov_slice_cstr(key)))
            return v;
    return NULL;
}

bool ov_spec_hide_secrets(ov_json *doc)
{
    bool any = false;
    for (ov_json *v = doc->first; v; v = v->next) {
        if (v->kind != OV_JSON_OBJECT && v->kind != OV_JSON_ARRAY) {
            any |= doc->kind == OV_JSON_OBJECT && ov_slice_eq(v->key, OV_SLICE_LIT("httpAuthenticationPassword")) && hide_value(v);
        } else if (ov_slice_eq(v->key, OV_SLICE_LIT("httpAuthenticationPassword"))) {
            any |= hide_value(member(v, "password"));
        } else if (ov_slice_eq(v->key, OV_SLICE_LIT("requestHeaders"))) {
            for (ov_json *h = v->first; h; h = h->next)
                any |= is_secret_header(h->key) && hide_value(h);
        } else {
            any |= ov_spec_hide_secrets(v);
        }
    }
    return any;
}
