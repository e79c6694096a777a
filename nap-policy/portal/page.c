/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What people and their programs are shown. All that is not ours is escaped. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "nap-policy/portal/portal.h"

static void put(FILE *o, const char *s)
{
	for (; s && *s; s++)
		switch (*s) {
		case '&':
			fputs("&amp;", o);
			break;
		case '<':
			fputs("&lt;", o);
			break;
		case '>':
			fputs("&gt;", o);
			break;
		case '"':
			fputs("&quot;", o);
			break;
		case '\'':
			fputs("&#39;", o);
			break;
		default:
			fputc(*s, o);
		}
}

static const char *text_of(const json_t *j, const char *key)
{
	return json_string_value(json_object_get(j, key));
}

static void put_check(FILE *o, const json_t *check)
{
	const char *fix = text_of(check, "fix");

	if (!strcmp(text_of(check, "result") ? text_of(check, "result") : "", "pass"))
		return;
	fputs("<li><b>", o);
	put(o, text_of(check, "check"));
	fputs("</b>: ", o);
	put(o, text_of(check, "why"));
	if (!json_is_true(json_object_get(check, "blocking")))
		fputs(" (this alone confines nobody)", o);
	if (fix) {
		fputs("<br>How to fix it: ", o);
		put(o, fix);
	}
	fputs("</li>\n", o);
}

static void put_page(FILE *o, const json_t *j)
{
	bool captive = json_is_true(json_object_get(j, "captive"));
	const char *url = text_of(j, "url");
	json_t *checks = json_object_get(j, "checks"), *check;
	size_t i;

	fputs("<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>", o);
	fputs(captive ? "This machine is confined" : "This machine is not confined", o);
	fputs("</title>\n<style>body{font-family:sans-serif;max-width:40em;margin:3em auto;"
	      "line-height:1.5}</style></head><body>\n<h1>",
	      o);
	fputs(captive ? "This machine is confined" : "This machine is not confined", o);
	fputs("</h1>\n<p>Its health is <b>", o);
	put(o, text_of(j, "health"));
	fputs("</b>, its access to the network <b>", o);
	put(o, text_of(j, "access"));
	fputs("</b>.</p>\n<ul>\n", o);
	json_array_foreach (checks, i, check)
		put_check(o, check);
	fputs("</ul>\n", o);
	if (url) {
		fputs("<p>More: <a href=\"", o);
		put(o, url);
		fputs("\">", o);
		put(o, url);
		fputs("</a></p>\n", o);
	}
	fputs("<p>Repair what is named here and report again: <code>viridian-health --report"
	      "</code></p>\n</body></html>\n",
	      o);
}

char *portal_page(const uint8_t *status, unsigned int size)
{
	json_t *j = json_loadb((const char *)status, size, 0, NULL);
	char *text = NULL;
	size_t length = 0;
	FILE *o = j ? open_memstream(&text, &length) : NULL;

	if (o)
		put_page(o, j);
	json_decref(j);
	if (o && fclose(o) == 0)
		return text;
	free(text);
	return NULL;
}

char *portal_address(const uint8_t *status, unsigned int size)
{
	json_t *j = json_loadb((const char *)status, size, 0, NULL);
	const char *at = text_of(j, "portal");
	char *ret = at ? strdup(at) : NULL;

	json_decref(j);
	return ret;
}

/* RFC 8908 5. A user's page that cannot be named over IPv6 is left out. */
char *portal_captive(const uint8_t *status, unsigned int size, bool ipv6)
{
	json_t *j = json_loadb((const char *)status, size, 0, NULL), *out = json_object();
	json_t *left = json_object_get(j, "expires_s");
	bool captive = json_is_true(json_object_get(j, "captive"));
	const char *url = text_of(j, "url");
	char *text;

	json_object_set_new(out, "captive", json_boolean(captive));
	if (text_of(j, "portal") && !ipv6)
		json_object_set(out, "user-portal-url", json_object_get(j, "portal"));
	if (url)
		json_object_set_new(out, "venue-info-url", json_string(url));
	if (!captive && json_is_integer(left))
		json_object_set(out, "seconds-remaining", left);
	text = j ? json_dumps(out, JSON_COMPACT) : NULL;
	json_decref(out);
	json_decref(j);
	return text;
}
