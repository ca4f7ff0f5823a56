export const FONT_SIZE = 12
export const TITLE_SIZE = 13

/** Colours are custom properties, so that a page that shows a diagram can set its own. `active` and `taken` light up a state and a transition. */
export const STYLE = `
.synchart{--paper:#fff;--ink:#1f2328;--soft:#59636e;--line:#8c959f;--edge:#57606a;--fill:#f6f8fa;--chip:#fff;--event:#0550ae;--own:#6639ba;--guard:#953800;--action:#116329;--lit:#bf3989;--lit-fill:#ffeff7;font:${FONT_SIZE}px system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue","DejaVu Sans",sans-serif}
@media(prefers-color-scheme:dark){.synchart{--paper:#0d1117;--ink:#f0f6fc;--soft:#9198a1;--line:#656c76;--edge:#9198a1;--fill:#151b23;--chip:#0d1117;--event:#79c0ff;--own:#d2a8ff;--guard:#ffa657;--action:#7ee787;--lit:#ff7bd5;--lit-fill:#3b1430}}
.synchart .paper{fill:var(--paper)}
.synchart text{fill:var(--ink)}
.synchart .title{font-size:${TITLE_SIZE}px;font-weight:600}
.synchart .state>rect{fill:var(--fill);stroke:var(--line)}
.synchart .compound>rect,.synchart .parallel>rect{fill:var(--line);fill-opacity:.07}
.synchart .region>rect{stroke-dasharray:5 4}
.synchart .state>path{stroke:var(--line);fill:none}
.synchart .event{fill:var(--event)}
.synchart .own{fill:var(--own)}
.synchart .guard{fill:var(--guard)}
.synchart .action{fill:var(--action)}
.synchart .word{fill:var(--soft);font-style:italic}
.synchart .dot{fill:var(--ink)}
.synchart .line{fill:none;stroke:var(--edge)}
.synchart .head{fill:var(--edge)}
.synchart .chip{fill:var(--chip);stroke:var(--line);stroke-opacity:.5}
.synchart .active>rect{stroke:var(--lit);stroke-width:2;fill:var(--lit-fill)}
.synchart .edge:has(.taken)>.line{stroke:var(--lit);stroke-width:2}
.synchart .edge:has(.taken)>.head{fill:var(--lit)}
.synchart .edge:has(.taken)>.chip{stroke:var(--lit)}
.synchart .taken text,.synchart .taken tspan,.synchart .together:has(.taken)>text tspan{fill:var(--lit)}
`.trim()
