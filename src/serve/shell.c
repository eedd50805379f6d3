/* See shell.h. */
#include "serve/shell.h"

#include <assert.h>
#include <string.h>

#include "base/asset.h"

static void add_asset(const char *name, Text *html)
{
    const Asset *asset = asset_find(name);
    assert(asset);
    text_add_bytes(html, asset->bytes, asset->n);
}

void shell_live(const char *tag, Text *html)
{
    text_add(html, "<style>\n");
    add_asset("serve/live.css", html);
    text_addf(html, "</style>\n<script data-page=\"%s\">\n", tag);
    add_asset("serve/live.js", html);
    text_add(html, "</script>\n");
}

void shell_page(const char *title, const char *words, Text *html)
{
    text_add(html, "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
                   "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
                   "<meta name=\"color-scheme\" content=\"light dark\">\n<title>");
    text_add_escaped(html, title, strlen(title));
    text_add(html, " · refframe</title>\n<style>\n");
    add_asset("html/report.css", html);
    text_add(html, "</style>\n</head>\n<body>\n<main id=\"top\">\n<div class=\"hero\"><h1>");
    text_add_escaped(html, title, strlen(title));
    text_add(html, "</h1><p class=\"claim\">");
    text_add_escaped(html, words, strlen(words));
    text_add(html,
             "</p></div>\n<noscript><p class=\"noscript\">This page shows what is new with a script that it carries "
             "itself. Please allow scripts for it, or load it again.</p></noscript>\n</main>\n");
    shell_live("", html);
    text_add(html, "</body>\n</html>\n");
}
