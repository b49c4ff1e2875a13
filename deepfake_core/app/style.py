"""How does the page look? Like the report that it shows: the same colours and letters, light and dark."""

from __future__ import annotations

from typing import Any

FONT = ("system-ui", "sans-serif")
MONO = ("ui-monospace", "monospace")

# By Gradio's names; those of the report's style sheet (``detector.page``) are beside them.
_COLOURS = {
    "body_background_fill": ("#ffffff", "#1b1b1a"),  # ground
    "body_text_color": ("#222222", "#e6e6e3"),  # ink
    "body_text_color_subdued": ("#5c5c5c", "#a8a8a4"),  # soft
    "background_fill_primary": ("#ffffff", "#1b1b1a"),
    "background_fill_secondary": ("#f6f6f4", "#262624"),  # card
    "block_background_fill": ("#f6f6f4", "#262624"),
    "block_label_background_fill": ("#f6f6f4", "#262624"),
    "block_label_text_color": ("#5c5c5c", "#a8a8a4"),
    "block_title_text_color": ("#222222", "#e6e6e3"),
    "block_info_text_color": ("#5c5c5c", "#a8a8a4"),
    "block_border_color": ("#d9d9d9", "#44443f"),  # line
    "border_color_primary": ("#d9d9d9", "#44443f"),
    "border_color_accent": ("#2a7f9e", "#58b0d0"),
    "input_background_fill": ("#ffffff", "#1b1b1a"),
    "input_border_color": ("#d9d9d9", "#44443f"),
    "color_accent": ("#2a7f9e", "#58b0d0"),  # real
    "loader_color": ("#2a7f9e", "#58b0d0"),
    "button_primary_background_fill": ("#236a85", "#58b0d0"),
    "button_primary_background_fill_hover": ("#1b566d", "#7cc3dd"),
    "button_primary_text_color": ("#ffffff", "#10181b"),
    "button_secondary_background_fill": ("#ffffff", "#1b1b1a"),
    "button_secondary_text_color": ("#222222", "#e6e6e3"),
}
# Gradio knows no dark value of these.
_SAME = frozenset({"color_accent"})

CSS = """
:root { --df-ink: #222; --df-soft: #5c5c5c; --df-line: #d9d9d9; --df-card: #f6f6f4; --df-real: #2a7f9e; --df-fake: #c8553d;
  --df-open: #8a8a8a }
.dark { --df-ink: #e6e6e3; --df-soft: #a8a8a4; --df-line: #44443f; --df-card: #262624; --df-real: #58b0d0; --df-fake: #e5806a;
  --df-open: #9a9a96 }
.gradio-container { max-width: 64rem !important; margin: 0 auto !important }
.gradio-container .html-container { padding: 0 }
.gradio-container input[aria-label="Detector"] { text-overflow: ellipsis; padding-right: 2rem }
@media (max-width: 40rem) { .gradio-container main { padding: .5rem .8rem !important } }
.df-intro h1 { font-size: 1.6rem; font-weight: 650; margin: .6rem 0 .3rem }
.df-intro p, .df-bar, .df-soft { color: var(--df-soft); line-height: 1.5 }
.df-notice { border-left: .5rem solid var(--df-open); background: var(--df-card); padding: .7rem 1rem; line-height: 1.5;
  overflow-wrap: anywhere }
.df-notice.df-bad { border-color: var(--df-fake) } .df-notice p { margin: .35rem 0 0; color: var(--df-soft) }
.df-bar { display: flex; flex-wrap: wrap; gap: .5rem 1rem; align-items: center; justify-content: space-between;
  padding: .2rem 0 .6rem; overflow-wrap: anywhere }
.df-buttons { display: flex; flex-wrap: wrap; gap: .5rem }
.df-bar button { border: 1px solid var(--df-line); border-radius: 6px; padding: .3rem .8rem; color: var(--df-ink);
  background: var(--df-card); cursor: pointer }
.df-bar button:hover { border-color: var(--df-real) }
.df-result iframe { display: block; width: 100%; height: 30rem; border: 1px solid var(--df-line); border-radius: 6px }
.df-table { contain: inline-size } .df-table .wide { overflow-x: auto }
.df-table table { border-collapse: collapse; width: 100%; font-size: .92rem; font-variant-numeric: tabular-nums }
.df-table th, .df-table td { padding: .4rem .9rem .4rem 0; border-bottom: 1px solid var(--df-line); text-align: left;
  vertical-align: top }
.df-table th { color: var(--df-soft); font-weight: 600; white-space: nowrap }
.df-table td:last-child { min-width: 11rem; overflow-wrap: anywhere }
.df-name { min-width: 9rem; overflow-wrap: anywhere }
.df-answer { white-space: nowrap; border-left: .3rem solid var(--df-open); padding-left: .5rem }
.df-answer.df-fake { border-color: var(--df-fake) } .df-answer.df-real { border-color: var(--df-real) }
.df-answer.df-failed { border-color: transparent; color: var(--df-soft) }
@media (max-width: 40rem) {
  .df-table thead { display: none } .df-table td { border: 0; padding: .1rem 0 }
  .df-table tr { display: grid; grid-template-columns: 1fr auto auto; gap: 0 1rem; padding: .4rem 0;
    border-bottom: 1px solid var(--df-line) }
  .df-table td:first-child, .df-table td:last-child { grid-column: 1 / -1 } .df-table td:last-child:empty { display: none }
  .df-table td:nth-child(3)::before { content: "P(fake) "; color: var(--df-soft) }
}
/* Otherwise a video pushes the choice of a source out of the block. */
.video-container { display: flex; flex-direction: column }
.video-container > :not(.source-selection) { flex: 1; min-height: 0 }
/* Its first click would fetch a converter from elsewhere, which the page's policy refuses. */
button[aria-label="Trim video to selection"] { display: none }
"""

SCRIPT = """<script>
document.addEventListener("error", (event) => { if (event.target.tagName === "VIDEO") event.stopPropagation(); }, true);
function deepfakeFit(frame) {
  const body = frame.contentDocument.body;
  const fit = () => { if (body.offsetHeight) frame.style.height = Math.ceil(body.getBoundingClientRect().height + 72) + "px"; };
  new ResizeObserver(fit).observe(body);
  fit();
  frame.closest(".df-result").scrollIntoView({ behavior: "smooth" });
}
function deepfakeSave(button) {
  const text = button.dataset.text ?? button.closest(".df-result").querySelector("iframe").srcdoc;
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([text], { type: button.dataset.kind }));
  link.download = button.dataset.file;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
}
</script>"""
"""That a browser can't play a video is no error here; a report is as high as its content; a text that is in the page already is
saved from there."""


def theme() -> Any:
    """Gradio's theme; its fonts are the machine's own."""
    import gradio as gr

    values = {name: light for name, (light, _) in _COLOURS.items()}
    values |= {f"{name}_dark": dark for name, (_, dark) in _COLOURS.items() if name not in _SAME}
    return gr.themes.Base(font=FONT, font_mono=MONO).set(**values)
