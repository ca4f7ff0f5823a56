/** Colours follow the system's scheme, as those of the drawings do. */
export const STYLE = `
.inspector{--bg:#fff;--panel:#f6f8fa;--text:#1f2328;--dim:#59636e;--rule:#d1d9e0;--mark:#bf3989;--mark-bg:#ffeff7;--warn:#953800;--line:#0550ae;color-scheme:light;
 display:grid;grid-template:auto auto minmax(0,1fr) auto/minmax(12rem,16rem) minmax(0,5fr) minmax(0,4fr);height:100%;min-height:30rem;background:var(--bg);color:var(--text);font:13px/1.4 system-ui,sans-serif;box-sizing:border-box}
@media(prefers-color-scheme:dark){.inspector{--bg:#0d1117;--panel:#151b23;--text:#f0f6fc;--dim:#9198a1;--rule:#3d444d;--mark:#ff7bd5;--mark-bg:#3b1430;--warn:#ffa657;--line:#79c0ff;color-scheme:dark}}
.inspector *{box-sizing:border-box}
.inspector [hidden]{display:none!important}
.inspector button,.inspector input{font:inherit;color:inherit}
.inspector button{background:var(--panel);border:1px solid var(--rule);border-radius:4px;padding:.1rem .5rem;cursor:pointer}
.inspector :focus-visible{outline:2px solid var(--line);outline-offset:1px}
.inspector button[aria-selected=true],.inspector button[aria-pressed=true],.inspector button[aria-current=true]{border-color:var(--mark);background:var(--mark-bg)}
.inspector .glance,.inspector .controls,.inspector .message-bar{grid-column:1/-1;display:flex;flex-wrap:wrap;gap:.4rem;align-items:center;margin:0;padding:.4rem .6rem;border-bottom:1px solid var(--rule);list-style:none}
.inspector .glance li{padding:.1rem .5rem;border:1px solid var(--rule);border-radius:99px;background:var(--panel)}
.inspector .glance .worrying{border-color:var(--warn);color:var(--warn)}
.inspector .controls input[type=range]{flex:1;min-width:8rem}
.inspector .controls input[type=number]{width:5rem}
.inspector .controls .where{min-width:14rem;font-variant-numeric:tabular-nums;color:var(--dim)}
.inspector .tree,.inspector .chart,.inspector .views{overflow:auto;min-height:0;padding:.5rem;border-right:1px solid var(--rule)}
.inspector .tree button{display:flex;width:100%;gap:.5rem;justify-content:space-between;border-color:transparent;background:none;text-align:left}
.inspector .tree .value{color:var(--dim);text-align:right}
.inspector .depth1{padding-left:1.2rem!important}.inspector .depth2{padding-left:2.2rem!important}.inspector .depth3,.inspector .depth4{padding-left:3.2rem!important}
.inspector h3{margin:.6rem 0 .2rem;font-size:1em}
.inspector .nothing{color:var(--dim)}
.inspector .chart svg{max-width:100%;height:auto;min-width:40rem}
.inspector .views{display:flex;flex-direction:column;gap:.4rem;padding:.5rem}
.inspector .views section{flex:1;overflow:auto;min-height:0}
.inspector .tabs,.inspector .filter{display:flex;flex-wrap:wrap;gap:.3rem .6rem;align-items:center}
.inspector .timeline{display:flex;flex-direction:column;gap:.4rem}
.inspector .filter input[type=search]{flex:1;min-width:10rem}
.inspector .count{color:var(--dim)}
.inspector .list{flex:1;overflow:auto;min-height:8rem;border:1px solid var(--rule)}
.inspector .rows{position:relative}
.inspector .row{position:absolute;left:0;right:0;height:20px;white-space:nowrap;overflow:hidden;text-overflow:ellipsis;padding:0 .4rem;cursor:pointer;font:12px/20px ui-monospace,monospace}
.inspector .row[aria-selected=true]{background:var(--mark-bg);outline:1px solid var(--mark)}
.inspector .row .time{color:var(--dim);margin-right:.6rem}
.inspector .row.step .text{color:var(--mark)}.inspector .row.event .text{color:var(--line)}.inspector .row.port .text{color:var(--dim)}
.inspector table{border-collapse:collapse;width:100%}
.inspector th,.inspector td{text-align:left;vertical-align:top;padding:.15rem .4rem;border-bottom:1px solid var(--rule);overflow-wrap:break-word;min-width:4rem}
.inspector .sequence text{fill:var(--text);font:11px system-ui,sans-serif}.inspector .sequence .head{font-weight:600}
.inspector .sequence path{fill:none;stroke:var(--line)}.inspector .sequence .life{stroke:var(--rule);stroke-dasharray:3 3}.inspector marker path{fill:var(--line)}
.inspector .metrics figure{margin:.4rem 0}.inspector .metrics polyline{fill:none;stroke:var(--line);stroke-width:1.5}
.inspector dl{display:grid;grid-template-columns:repeat(auto-fill,minmax(7rem,1fr));gap:.2rem .8rem}.inspector dt{color:var(--dim)}.inspector dd{margin:0;font-weight:600}
.inspector .message-bar{border:0;border-top:1px solid var(--rule);color:var(--dim)}
@media(max-width:60rem){.inspector{grid-template:auto auto minmax(12rem,1fr) minmax(12rem,1fr) minmax(12rem,1fr) auto/1fr;height:auto}}
`
