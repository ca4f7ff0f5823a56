/** Colours follow the system's scheme, as those of the drawings do. */
export const STYLE = `
.inspector{--bg:#fff;--panel:#f6f8fa;--text:#1f2328;--dim:#59636e;--rule:#d1d9e0;--mark:#bf3989;--mark-bg:#ffeff7;--warn:#953800;--well:#57ab7d;--line:#0550ae;color-scheme:light;
 display:grid;grid-template:auto auto minmax(0,1fr) auto/184px minmax(0,1fr) clamp(384px,28%,720px);height:100%;min-height:30rem;background:var(--bg);color:var(--text);font:13px/1.4 system-ui,sans-serif;box-sizing:border-box}
@media(prefers-color-scheme:dark){.inspector{--bg:#0d1117;--panel:#151b23;--text:#f0f6fc;--dim:#9198a1;--rule:#3d444d;--mark:#ff7bd5;--mark-bg:#3b1430;--warn:#ffa657;--well:#2b7a4b;--line:#79c0ff;color-scheme:dark}}
.inspector-frame{container-type:inline-size;height:100%;overflow:auto}
.inspector *{box-sizing:border-box}
.inspector:focus{outline:0}
.inspector [hidden]{display:none!important}
.inspector button,.inspector input{font:inherit;color:inherit}
.inspector button{background:var(--panel);border:1px solid var(--rule);border-radius:4px;padding:.1rem .5rem;cursor:pointer}
.inspector :focus-visible{outline:2px solid var(--line);outline-offset:1px}
.inspector button[aria-selected=true],.inspector button[aria-pressed=true],.inspector button[aria-current=true]{border-color:var(--mark);background:var(--mark-bg)}
.inspector .glance,.inspector .controls,.inspector footer{grid-column:1/-1;display:flex;flex-wrap:wrap;gap:.4rem;align-items:center;margin:0;padding:.4rem .6rem;border-bottom:1px solid var(--rule);list-style:none}
.inspector .glance li{padding:.1rem .5rem;border:1px solid var(--rule);border-radius:99px;background:var(--panel)}
.inspector .glance li,.inspector .glance .meaning{overflow-wrap:anywhere}.inspector .meaning{color:var(--dim)}
.inspector .glance .worrying{border-color:var(--warn)}.inspector .tag{padding:0 .3rem;border:1px solid var(--rule);border-radius:3px;color:var(--dim);font-size:12px}.inspector .worrying,.inspector .worrying .meaning{color:var(--warn)}
.inspector .controls input[type=range]{flex:1;min-width:8rem}
.inspector .controls input[type=number]{width:4.5rem}
.inspector .file{position:relative;background:var(--panel);border:1px solid var(--rule);border-radius:4px;padding:.1rem .5rem;cursor:pointer}
.inspector .file input{position:absolute;inset:0;width:100%;opacity:0;cursor:pointer}.inspector .file:focus-within{outline:2px solid var(--line);outline-offset:1px}
.inspector .controls .where{min-width:13rem;font-variant-numeric:tabular-nums;color:var(--dim)}
.inspector .tree,.inspector .chart,.inspector .views{min-height:0;border-right:1px solid var(--rule)}
.inspector .tree{overflow:auto;padding:.5rem .3rem}
.inspector .tree button{display:flex;flex-wrap:wrap;width:100%;gap:0 .5rem;justify-content:space-between;border-color:transparent;background:none;text-align:left}
.inspector .tree span{overflow-wrap:anywhere}
.inspector .tree .value{font-size:12px;color:var(--dim);margin-left:auto;text-align:right}
.inspector .depth1{padding-left:1.1rem!important}.inspector .depth2{padding-left:1.7rem!important}.inspector .depth3,.inspector .depth4{padding-left:2.3rem!important}
.inspector h3{margin:.6rem 0 .2rem;font-size:1em}
.inspector .nothing{color:var(--dim)}
.inspector .chart{display:flex;flex-direction:column}
.inspector .chart header{display:flex;gap:.3rem;align-items:center;padding:.3rem .5rem;border-bottom:1px solid var(--rule)}
.inspector h2{flex:1;margin:0;font-size:1em;color:inherit}
.inspector .canvas{flex:1;overflow:auto;min-height:0}.inspector .canvas:focus-visible{outline-offset:-2px}
.inspector .canvas svg{display:block;margin:0 auto}.inspector .canvas p{padding:0 .5rem}
.inspector .views{display:flex;flex-direction:column;gap:.4rem;padding:.5rem;min-width:0}
.inspector .views section{flex:1;overflow:auto;min-height:0}
.inspector .tabs,.inspector .filter{display:flex;flex-wrap:wrap;gap:.3rem .6rem;align-items:center}
.inspector .tabs{gap:.2rem;flex-wrap:nowrap}.inspector .tabs button{padding:.1rem .4rem}
.inspector .timeline{display:flex;flex-direction:column;gap:.4rem}
.inspector .filter input[type=search]{flex:1;min-width:10rem}
.inspector .count{color:var(--dim)}
.inspector .list{flex:1;overflow:auto;min-height:5rem;border:1px solid var(--rule)}
.inspector .rows{position:relative}
.inspector .row{position:absolute;left:0;right:0;height:20px;white-space:nowrap;overflow:hidden;text-overflow:ellipsis;padding:0 .4rem;cursor:pointer;font:12px/20px ui-monospace,monospace}
.inspector .row[aria-selected=true]{background:var(--mark-bg);outline:1px solid var(--mark)}
.inspector .detail{flex:none;margin:0;height:5.2em;overflow:auto;overflow-wrap:anywhere;font:12px/1.3 ui-monospace,monospace}
.inspector .row .time{color:var(--dim);margin-right:.6rem}
.inspector .row[data-type=step] .text{color:var(--mark)}.inspector .row[data-type=event] .text{color:var(--line)}.inspector .row[data-type=port] .text{color:var(--dim)}
.inspector table{border-collapse:collapse;width:100%}
.inspector th,.inspector td{text-align:left;vertical-align:top;padding:.15rem .4rem;border-bottom:1px solid var(--rule);overflow-wrap:anywhere}.inspector th{overflow-wrap:normal}.inspector table{font-size:12px}
.inspector td code{font-size:1em}
.inspector ol,.inspector .alerts{margin:0;padding:0;list-style:none}
.inspector ol li{padding:.3rem 0;border-bottom:1px solid var(--rule)}
.inspector li p{margin:0;overflow-wrap:anywhere}
.inspector code,.inspector .payload{font:12px/1.4 ui-monospace,monospace}
.inspector .facts,.inspector .payload{color:var(--dim)}.inspector .facts{font-size:12px}
.inspector .payload{max-height:4.2em;overflow:hidden}
.inspector .sequence text{fill:var(--text);font:11px system-ui,sans-serif}.inspector .sequence .head{font-weight:600}
.inspector .sequence path{fill:none;stroke:var(--line)}.inspector .sequence .life{stroke:var(--rule);stroke-dasharray:3 3}.inspector marker path{fill:var(--line)}
.inspector .message{cursor:pointer}.inspector .message rect{fill:transparent}.inspector .message:hover rect{fill:var(--panel)}.inspector .message.current rect{fill:var(--mark-bg)}
.inspector .alerts li{padding:.2rem .5rem;border:1px solid var(--warn);border-radius:4px;color:var(--warn);margin-bottom:.2rem}
.inspector .bands{display:grid;grid-template-columns:fit-content(38%) minmax(2rem,1fr) fit-content(46%);gap:.15rem .5rem;align-items:center;overflow-wrap:anywhere}
.inspector .bands svg{width:100%;height:14px;background:var(--panel)}.inspector .bands .well{fill:var(--well)}.inspector .bands rect.worrying{fill:var(--warn)}
.inspector .charts{display:grid;grid-template-columns:repeat(auto-fill,minmax(11rem,1fr));gap:.2rem .8rem;margin:.5rem 0}
.inspector .metrics figure{display:flex;flex-direction:column;justify-content:space-between;margin:0;font-size:12px}.inspector .metrics figure svg{display:block;width:100%;border-bottom:1px solid var(--rule)}.inspector .metrics polyline{fill:none;stroke:var(--line);stroke-width:1.5}
.inspector dl{display:grid;grid-template-columns:repeat(auto-fill,minmax(11rem,1fr));gap:.1rem .8rem;margin:0}.inspector dl div{display:flex;gap:.5rem;justify-content:space-between;border-bottom:1px solid var(--rule)}.inspector dl .long{grid-column:1/-1}.inspector dt{color:var(--dim)}.inspector dd{margin:0;font-weight:600;text-align:right}
.inspector footer{justify-content:space-between;border:0;border-top:1px solid var(--rule);color:var(--dim)}.inspector footer p{margin:0}
.inspector .keys{display:flex;flex-wrap:wrap;gap:0 .8rem;font-size:12px}.inspector kbd{padding:0 .25rem;border:1px solid var(--rule);border-radius:3px;background:var(--panel);font:11px ui-monospace,monospace}
@container(max-width:60rem){.inspector{grid-template:auto auto minmax(0,1fr) minmax(0,1fr) auto/minmax(7rem,11rem) minmax(0,1fr);height:max(100%,50rem)}.inspector .views{grid-column:1/-1;border-top:1px solid var(--rule)}}
`
