/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * YAML with positions, for documents: libyaml finds the structure, this file gives it JSON's types
 * and refuses what makes YAML surprising: anchors, aliases, tags, several documents, and any
 * guess at what "on", 0x10 or 12:30 may mean.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "base/doc_build.h"

static struct vd_mark mark_of(const yaml_mark_t *m)
{
	return (struct vd_mark){(unsigned int)m->line + 1, (unsigned int)m->column + 1};
}

/* libyaml counts bytes, not lines, where it cannot even decode the text. */
static struct vd_mark mark_at_byte(const char *text, size_t size, size_t offset)
{
	struct vd_mark at = {1, 1};

	for (size_t i = 0; i < size && i < offset; i++) {
		if (text[i] == '\n')
			at = (struct vd_mark){at.line + 1, 1};
		else if (((unsigned char)text[i] & 0xc0) != 0x80)
			at.column++;
	}
	return at;
}

static int syntax_error(struct vd_build *b, const yaml_parser_t *p, const char *text, size_t size)
{
	struct vd_mark at = mark_of(&p->problem_mark);
	const char *problem = p->problem ? p->problem : "it cannot be read";
	const char *hint = NULL;

	if (p->error == YAML_MEMORY_ERROR)
		return vd_build_no_memory(b);
	if (p->error == YAML_READER_ERROR)
		at = mark_at_byte(text, size, p->problem_offset);
	else if (p->problem_mark.index < size && strstr(problem, "cannot start any token") &&
		 memchr(text, '\t', size))
		hint = "indent with blanks, not with tabs";
	else if (strstr(problem, "mapping values are not allowed"))
		hint = "put texts that contain \": \" in quotes";
	else if (strstr(problem, "block end") || strstr(problem, "block mapping"))
		hint = "check the indentation of this line and the one above";
	return vd_build_fail(b, -EINVAL, VD_E_SYNTAX, at, hint, "%s%s%s",
			     p->context && p->error != YAML_READER_ERROR ? p->context : "",
			     p->context && p->error != YAML_READER_ERROR ? ": " : "", problem);
}

static int refuse(struct vd_build *b, const yaml_event_t *ev, const char *hint, const char *what)
{
	int r = vd_build_fail(b, -EINVAL, VD_E_SYNTAX, mark_of(&ev->start_mark), hint,
			      "%s not supported", what);

	b->syntax = false;
	return r;
}

static int check_node(struct vd_build *b, const yaml_event_t *ev, const yaml_char_t *anchor,
		      const yaml_char_t *tag)
{
	if (anchor)
		return refuse(b, ev, "write the value out; or quote a text that starts with '&'",
			      "anchors (&name) are");
	if (tag)
		return refuse(b, ev, "quote a text that starts with '!'", "tags (!name) are");
	return 0;
}

/* A quoted text, or a plain one that is no JSON word. */
static int text_of(struct vd_build *b, const yaml_event_t *ev, json_t **ret)
{
	const char *s = (const char *)ev->data.scalar.value;
	size_t len = ev->data.scalar.length;

	if (memchr(s, '\0', len))
		return vd_build_fail(b, -EINVAL, VD_E_SYNTAX, mark_of(&ev->start_mark), NULL,
				     "a text has a NUL character");
	/* libyaml lets nothing pass that is not UTF-8 */
	*ret = json_stringn(s, len);
	return *ret ? 0 : vd_build_no_memory(b);
}

static int number_of(struct vd_build *b, const yaml_event_t *ev, json_t **ret)
{
	json_error_t je;

	*ret = json_loadb((const char *)ev->data.scalar.value, ev->data.scalar.length,
			  JSON_DECODE_ANY, &je);
	if (!*ret && vd_doc_no_memory(&je))
		return vd_build_no_memory(b);
	if (!*ret)
		return vd_build_fail(b, -EINVAL, VD_E_SYNTAX, mark_of(&ev->start_mark),
				     "put it in quotes if it is a text", "%s", je.text);
	return 0;
}

static int scalar_of(struct vd_build *b, const yaml_event_t *ev, json_t **ret)
{
	const char *s = (const char *)ev->data.scalar.value;
	size_t len = ev->data.scalar.length;

	if (ev->data.scalar.style != YAML_PLAIN_SCALAR_STYLE)
		return text_of(b, ev, ret);
	if (len == 0 || (len == 4 && !memcmp(s, "null", 4)))
		*ret = json_null();
	else if (len == 4 && !memcmp(s, "true", 4))
		*ret = json_true();
	else if (len == 5 && !memcmp(s, "false", 5))
		*ret = json_false();
	else if (vd_doc_is_number(s, len))
		return number_of(b, ev, ret);
	else
		return text_of(b, ev, ret);
	return 0;
}

static int on_scalar(struct vd_build *b, const yaml_event_t *ev)
{
	struct vd_mark at = mark_of(&ev->start_mark);
	json_t *v = NULL;
	int r = check_node(b, ev, ev->data.scalar.anchor, ev->data.scalar.tag);

	if (r < 0)
		return r;
	if (vd_build_wants_key(b)) {
		r = text_of(b, ev, &v);
		return r < 0 ? r : vd_build_key(b, v, at);
	}
	r = scalar_of(b, ev, &v);
	if (r < 0)
		return r;
	if (b->depth == 0 && json_is_null(v))
		return 0; /* "---" and nothing: an empty document */
	return vd_build_value(b, v, at);
}

static int on_open(struct vd_build *b, const yaml_event_t *ev, bool object)
{
	const yaml_char_t *anchor =
		object ? ev->data.mapping_start.anchor : ev->data.sequence_start.anchor;
	const yaml_char_t *tag = object ? ev->data.mapping_start.tag : ev->data.sequence_start.tag;
	int r = check_node(b, ev, anchor, tag);

	if (r < 0)
		return r;
	if (vd_build_wants_key(b))
		return refuse(b, ev, "keys are texts", "lists and objects as keys are");
	return vd_build_open(b, object ? json_object() : json_array(), mark_of(&ev->start_mark));
}

static int on_event(struct vd_build *b, const yaml_event_t *ev, unsigned int *n_documents)
{
	switch (ev->type) {
	case YAML_DOCUMENT_START_EVENT:
		if ((*n_documents)++)
			return refuse(b, ev, "remove the line \"---\"",
				      "several documents in one text are");
		return 0;
	case YAML_ALIAS_EVENT:
		return refuse(b, ev, "write the value out; or quote a text that starts with '*'",
			      "aliases (*name) are");
	case YAML_SCALAR_EVENT:
		return on_scalar(b, ev);
	case YAML_SEQUENCE_START_EVENT:
		return on_open(b, ev, false);
	case YAML_MAPPING_START_EVENT:
		return on_open(b, ev, true);
	case YAML_SEQUENCE_END_EVENT:
	case YAML_MAPPING_END_EVENT:
		vd_build_close(b);
		return 0;
	default:
		return 0;
	}
}

int vd_doc_read_yaml(struct vd_build *b, const char *text, size_t size)
{
	unsigned int n_documents = 0;
	yaml_parser_t p;
	bool end = false;
	int r = 0;

	if (!yaml_parser_initialize(&p))
		return vd_build_no_memory(b);
	yaml_parser_set_encoding(&p, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&p, (const unsigned char *)text, size);
	while (r == 0 && !end) {
		yaml_event_t ev;

		if (!yaml_parser_parse(&p, &ev)) {
			r = syntax_error(b, &p, text, size);
			break;
		}
		end = ev.type == YAML_STREAM_END_EVENT;
		r = on_event(b, &ev, &n_documents);
		yaml_event_delete(&ev);
	}
	yaml_parser_delete(&p);
	return r;
}
