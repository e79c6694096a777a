/* SPDX-License-Identifier: GPL-2.0-or-later */
/* JSON to YAML with libyaml's emitter. */
#include "ctl/yaml_out.h"

#include <errno.h>
#include <string.h>
#include <strings.h>
#include <yaml.h>

#define DEPTH_MAX 64

static bool is_word(const char *text, const char *const *words)
{
	for (; *words; words++)
		if (!strcasecmp(text, *words))
			return true;
	return false;
}

static bool is_alnum(char c)
{
	return (c >= '0' && c <= '9') || ((c | 32) >= 'a' && (c | 32) <= 'z');
}

bool ctl_yaml_plain(const char *text)
{
	static const char *const typed[] = {"null", "true", "false", "yes", "no",
					    "on",   "off",  "y",     "n",   NULL};
	size_t len = strlen(text);

	if (!len || is_word(text, typed))
		return false;
	/* What begins with a digit may be a number, a time or a date in some YAML, unless it has a
	 * letter that none of these has. */
	if (text[0] >= '0' && text[0] <= '9' &&
	    (strspn(text, "0123456789_.:+-eExXoObBtTzZ ,") == len || !strncasecmp(text, "0x", 2)))
		return false;
	if (!is_alnum(text[0]) && text[0] != '/')
		return false;
	for (size_t i = 0; i < len; i++) {
		char c = text[i];

		if (!is_alnum(c) && !strchr("_./:@%+-, =()", c))
			return false;
		if (c == ':' && (text[i + 1] == ' ' || !text[i + 1]))
			return false;
	}
	return text[len - 1] != ' ';
}

static int emit(yaml_emitter_t *e, yaml_event_t *event, int made)
{
	if (!made)
		return -ENOMEM;
	return yaml_emitter_emit(e, event) ? 0 : e->error == YAML_MEMORY_ERROR ? -ENOMEM : -EIO;
}

static int emit_text(yaml_emitter_t *e, const char *text, size_t len, bool plain)
{
	yaml_event_t event;

	return emit(e, &event,
		    yaml_scalar_event_initialize(
			    &event, NULL, NULL, (const yaml_char_t *)text, (int)len, plain, true,
			    plain ? YAML_PLAIN_SCALAR_STYLE : YAML_DOUBLE_QUOTED_SCALAR_STYLE));
}

static int emit_string(yaml_emitter_t *e, const char *text, size_t len)
{
	return emit_text(e, text, len, strlen(text) == len && ctl_yaml_plain(text));
}

static int emit_value(yaml_emitter_t *e, json_t *j, int depth);

static int emit_array(yaml_emitter_t *e, json_t *j, int depth)
{
	yaml_event_t event;
	json_t *v;
	size_t i;
	int r = emit(e, &event,
		     yaml_sequence_start_event_initialize(&event, NULL, NULL, 1,
							  json_array_size(j)
								  ? YAML_BLOCK_SEQUENCE_STYLE
								  : YAML_FLOW_SEQUENCE_STYLE));

	json_array_foreach (j, i, v)
		r = r ? r : emit_value(e, v, depth + 1);
	return r ? r : emit(e, &event, yaml_sequence_end_event_initialize(&event));
}

static int emit_object(yaml_emitter_t *e, json_t *j, int depth)
{
	yaml_event_t event;
	const char *key;
	json_t *v;
	int r = emit(e, &event,
		     yaml_mapping_start_event_initialize(&event, NULL, NULL, 1,
							 json_object_size(j)
								 ? YAML_BLOCK_MAPPING_STYLE
								 : YAML_FLOW_MAPPING_STYLE));

	json_object_foreach (j, key, v) {
		r = r ? r : emit_string(e, key, strlen(key));
		r = r ? r : emit_value(e, v, depth + 1);
	}
	return r ? r : emit(e, &event, yaml_mapping_end_event_initialize(&event));
}

static int emit_value(yaml_emitter_t *e, json_t *j, int depth)
{
	char buf[64];

	if (depth > DEPTH_MAX)
		return -EINVAL;
	switch (json_typeof(j)) {
	case JSON_OBJECT:
		return emit_object(e, j, depth);
	case JSON_ARRAY:
		return emit_array(e, j, depth);
	case JSON_STRING:
		return emit_string(e, json_string_value(j), json_string_length(j));
	case JSON_INTEGER:
		snprintf(buf, sizeof(buf), "%" JSON_INTEGER_FORMAT, json_integer_value(j));
		break;
	case JSON_REAL:
		snprintf(buf, sizeof(buf), "%.17g", json_real_value(j));
		if (!strpbrk(buf, ".eE"))
			strcat(buf, ".0");
		break;
	default:
		strcpy(buf, json_is_true(j) ? "true" : json_is_false(j) ? "false" : "null");
	}
	return emit_text(e, buf, strlen(buf), true);
}

static int write_bytes(void *file, unsigned char *bytes, size_t size)
{
	return fwrite(bytes, 1, size, file) == size;
}

int ctl_yaml_write(json_t *j, FILE *f)
{
	yaml_emitter_t e;
	yaml_event_t event;
	int r;

	if (!yaml_emitter_initialize(&e))
		return -ENOMEM;
	yaml_emitter_set_output(&e, write_bytes, f);
	yaml_emitter_set_unicode(&e, 1);
	yaml_emitter_set_width(&e, -1);
	yaml_emitter_set_indent(&e, 2);
	r = emit(&e, &event, yaml_stream_start_event_initialize(&event, YAML_UTF8_ENCODING));
	r = r ? r
	      : emit(&e, &event, yaml_document_start_event_initialize(&event, NULL, NULL, NULL, 1));
	r = r ? r : emit_value(&e, j, 0);
	r = r ? r : emit(&e, &event, yaml_document_end_event_initialize(&event, 1));
	r = r ? r : emit(&e, &event, yaml_stream_end_event_initialize(&event));
	yaml_emitter_delete(&e);
	return r;
}
