"""The look of the HTML transcript: one style sheet, light and dark as the reader's system is."""

from __future__ import annotations

from typing import Final

STYLE: Final = """\
:root {
  color-scheme: light dark;
  --paper: #ffffff; --ink: #1d2126; --soft: #5c6570; --line: #dfe3e8;
  --card: #f3f5f7; --code: #f6f7f9; --accent: #0b62c4; --you: #e9f1fb;
  --warn: #97590a; --bad: #b3261e;
  --keyword: #8431a8; --string: #1c7440; --number: #a04a00; --comment: #66707b;
  --name: #0b5cad; --inserted: #1c7440; --deleted: #b3261e;
}
@media (prefers-color-scheme: dark) {
  :root {
    --paper: #14171b; --ink: #dfe3e8; --soft: #98a2ad; --line: #2d333b;
    --card: #1c2127; --code: #1a1f25; --accent: #76b0f5; --you: #1b2938;
    --warn: #e0b060; --bad: #f2918a;
    --keyword: #cf9bea; --string: #86cf9c; --number: #eaa976; --comment: #8a949f;
    --name: #86bbf5; --inserted: #86cf9c; --deleted: #f2918a;
  }
}
* { box-sizing: border-box; }
html { background: var(--paper); color: var(--ink); -webkit-text-size-adjust: 100%; }
body {
  margin: 0 auto; padding: 2.5rem 1.25rem 5rem; max-width: 50rem;
  font: 1rem/1.6 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "DejaVu Sans",
    sans-serif;
  overflow-wrap: anywhere;
}
h1, h2, h3, h4, h5, h6 { line-height: 1.3; margin: 1.5em 0 0.5em; }
header { border-bottom: 1px solid var(--line); padding-bottom: 1.25rem; margin-bottom: 2rem; }
header h1 { font-size: 1.75rem; margin: 0 0 0.5rem; }
header dl { display: flex; flex-wrap: wrap; gap: 0.15rem 1.5rem; margin: 0; }
header dl div { display: flex; gap: 0.4rem; }
header dt, header dd, .meta, .remark { color: var(--soft); font-size: 0.85rem; }
header dt::after { content: ":"; }
header dd { margin: 0; }
a { color: var(--accent); text-underline-offset: 0.15em; }
section.turn { margin: 0 0 3rem; }
.branch {
  color: var(--warn); font-size: 0.85rem; border-top: 1px dashed var(--line);
  padding-top: 0.75rem; margin: 0 0 0.75rem;
}
.meta { display: flex; flex-wrap: wrap; gap: 0 0.75rem; margin: 0 0 0.3rem; }
.meta b { color: var(--ink); font-weight: 600; }
.meta a { color: inherit; text-decoration: none; }
.meta a:hover { text-decoration: underline; }
.you { background: var(--you); border-radius: 0.75rem; padding: 0.8rem 1.1rem; }
.you .words { white-space: pre-wrap; tab-size: 4; }
.answer { margin-top: 1.25rem; }
.answer h1 { font-size: 1.4rem; }
.answer h2 { font-size: 1.25rem; }
.answer h3 { font-size: 1.1rem; }
.answer h4, .answer h5, .answer h6 { font-size: 1rem; }
.step > :first-child { margin-top: 0; }
.step > :last-child { margin-bottom: 0; }
.step { margin: 0 0 1rem; }
.withdrawn { opacity: 0.65; border-left: 3px solid var(--warn); padding-left: 0.9rem; }
.refusal { border-left: 3px solid var(--bad); padding-left: 0.9rem; }
.notice { color: var(--soft); font-size: 0.9rem; border-left: 3px solid var(--line);
  padding-left: 0.9rem; white-space: pre-wrap; }
.failed { color: var(--bad); }
.cut { color: var(--warn); }
.failed, .cut { font-size: 0.9rem; margin: 0.75rem 0; }
.usage { color: var(--soft); font-size: 0.8rem; margin: 0.75rem 0 0; }
details { border: 1px solid var(--line); border-radius: 0.6rem; background: var(--card);
  margin: 0 0 0.75rem; }
summary { cursor: pointer; padding: 0.45rem 0.9rem; font-size: 0.9rem; color: var(--soft); }
summary b { color: var(--ink); font-weight: 600; }
summary code { background: none; padding: 0; }
details > div { padding: 0.25rem 0.9rem 0.9rem; border-top: 1px solid var(--line); }
details > div > :last-child { margin-bottom: 0; }
.thinking > div { color: var(--soft); font-size: 0.93rem; }
.label { color: var(--soft); font-size: 0.8rem; margin: 0.6rem 0 0.25rem; }
code, pre { font-family: ui-monospace, "SF Mono", "Cascadia Mono", Menlo, Consolas,
  "DejaVu Sans Mono", monospace; font-size: 0.875em; tab-size: 4; }
code { background: var(--code); border-radius: 0.3rem; padding: 0.1em 0.35em; }
pre { background: var(--code); border: 1px solid var(--line); border-radius: 0.5rem;
  padding: 0.7rem 0.9rem; overflow-x: auto; line-height: 1.5; margin: 0.75rem 0;
  overflow-wrap: normal; }
pre code { background: none; padding: 0; font-size: inherit; }
details pre, .you pre { background: var(--paper); }
details pre { max-height: 32rem; overflow: auto; margin: 0.25rem 0 0.5rem; }
blockquote { margin: 0.75rem 0; padding: 0 0 0 1rem; border-left: 3px solid var(--line);
  color: var(--soft); }
.wide { overflow-x: auto; margin: 1.1rem 0; }
table { border-collapse: collapse; margin: 0; font-size: 0.93rem; overflow-wrap: normal; }
th, td { border: 1px solid var(--line); padding: 0.35rem 0.7rem; text-align: left; }
th { background: var(--card); font-weight: 600; }
hr { border: 0; border-top: 1px solid var(--line); margin: 1.5rem 0; }
img { display: block; max-width: 100%; max-height: 30rem; border-radius: 0.5rem; }
figure { margin: 0.75rem 0 0; }
figcaption, p.file { color: var(--soft); font-size: 0.85rem; margin-top: 0.35rem; }
.you details { background: none; margin: 0.5rem 0 0; }
ol.sources { font-size: 0.88rem; color: var(--soft); padding-left: 1.6rem; }
.k { color: var(--keyword); } .s { color: var(--string); } .n { color: var(--number); }
.c { color: var(--comment); font-style: italic; } .f { color: var(--name); }
.i { color: var(--inserted); } .d { color: var(--deleted); }
@media print {
  body { max-width: none; padding: 0; }
  details pre { max-height: none; white-space: pre-wrap; }
}
"""
