/* See svg.h. */
#include "report/svg.h"

#include <string.h>

void svg_open(Text *svg, double width, double height, const char *title, const char *description)
{
    static const char *const style =
        "svg{background:#fcfbf8;font:13px system-ui,sans-serif}text{fill:#565b66}.strong{fill:#16181d;font-weight:600}"
        ".dim{font-size:11px}line{stroke:#565b66}.rule{stroke:#e2dfd8}.axis{stroke:#868b96;stroke-dasharray:2 4}"
        ".mark{stroke:#16181d;stroke-width:2.5}.band{fill:#0072b2;opacity:.2}.dot{fill:#0072b2;opacity:.8}"
        ".type0{fill:#d4d1ca}.type1{fill:#0072b2}.type2{fill:#e69f00}.type3{fill:#009e73}.type4{fill:#cc3d3d}"
        ".type5{fill:#a06a94}.type6{fill:none;stroke:#999}"
        "@media(prefers-color-scheme:dark){svg{background:#111317}text{fill:#a9adb6}.strong{fill:#eceae5}"
        ".rule{stroke:#2c3038}.mark{stroke:#eceae5}.band,.dot{fill:#4aa8ea}"
        ".type0{fill:#3a3f48}.type1{fill:#4aa8ea}.type2{fill:#f0b23c}.type3{fill:#2fc296}.type4{fill:#f07a7a}"
        ".type5{fill:#cf93bd}}";
    text_addf(svg,
              "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %g %g\" width=\"%g\" height=\"%g\" role=\"img\" "
              "aria-labelledby=\"title desc\">\n<title id=\"title\">",
              width, height, width, height);
    text_add_escaped(svg, title, strlen(title));
    text_add(svg, "</title>\n<desc id=\"desc\">");
    text_add_escaped(svg, description, strlen(description));
    text_addf(svg, "</desc>\n<style>%s</style>\n", style);
}

void svg_close(Text *svg)
{
    text_add(svg, "</svg>\n");
}

void svg_text(Text *svg, double x, double y, const char *anchor, const char *class, const char *string)
{
    text_addf(svg, "<text x=\"%g\" y=\"%g\" text-anchor=\"%s\" class=\"%s\">", x, y, anchor, class);
    text_add_escaped(svg, string, strlen(string));
    text_add(svg, "</text>\n");
}

void svg_line(Text *svg, double x1, double y1, double x2, double y2, const char *class)
{
    text_addf(svg, "<line x1=\"%g\" y1=\"%g\" x2=\"%g\" y2=\"%g\" class=\"%s\"/>\n", x1, y1, x2, y2, class);
}

void svg_box(Text *svg, double x, double y, double width, double height, const char *class, const char *title)
{
    text_addf(svg, "<rect x=\"%g\" y=\"%g\" width=\"%g\" height=\"%g\" rx=\"2\" class=\"%s\"><title>", x, y, width,
              height, class);
    text_add_escaped(svg, title, strlen(title));
    text_add(svg, "</title></rect>\n");
}
