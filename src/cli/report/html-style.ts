/** The style sheet of the report. It stands in the page, whose policy names its digest: nothing else may style it, and nothing is loaded. */
export const STYLE = `
:root{color-scheme:light dark;--bg:#f6f7f9;--card:#fff;--ink:#16202b;--soft:#52606d;--line:#d9dfe6;--code:#eef1f5;--link:#0b5cad;
--good:#0b6b3a;--good-bg:#e3f5ea;--warn:#875200;--warn-bg:#fdf1d8;--bad:#ab1621;--bad-bg:#fdeaeb;--quiet:#52606d;--quiet-bg:#eef1f5;
--run:#74808c;--cell:#2f6fbd;--command:#1f8a54;--secret:#8450c9;--export:#b9640a}
@media (prefers-color-scheme:dark){:root{--bg:#0f151c;--card:#171f29;--ink:#e6ebf1;--soft:#a3afbc;--line:#2d3946;--code:#222d39;--link:#84bdff;
--good:#6fd79b;--good-bg:#123524;--warn:#f3c262;--warn-bg:#3a2c0d;--bad:#ff9a9f;--bad-bg:#45191d;--quiet:#a3afbc;--quiet-bg:#222d39;
--run:#8a97a5;--cell:#6aa8f0;--command:#55c288;--secret:#b993f0;--export:#eda04e}}
*{box-sizing:border-box}
html{-webkit-text-size-adjust:100%;scroll-behavior:smooth}
body{margin:0;background:var(--bg);color:var(--ink);font:15px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif}
header,main,footer,nav{max-width:76rem;margin:0 auto;padding:0 1.25rem}
header{padding-top:1.75rem}
a{color:var(--link)}
a:focus-visible{outline:3px solid var(--link);outline-offset:2px;border-radius:3px}
code{font:.92em/1.45 ui-monospace,SFMono-Regular,Menlo,Consolas,"Liberation Mono",monospace}
.skip{position:absolute;left:-99rem}
.skip:focus{left:1rem;top:.5rem;background:var(--card);padding:.5rem .75rem}
.brand{margin:0;color:var(--soft);font-size:.8rem;letter-spacing:.08em;text-transform:uppercase}
h1{margin:.15rem 0 1rem;font-size:1.5rem;line-height:1.25;font-weight:650;overflow-wrap:anywhere}
h2{margin:0 0 .75rem;font-size:1.12rem;font-weight:650;scroll-margin-top:1rem}
.verdict{margin:0;padding:.9rem 1.1rem;border:1px solid;border-left-width:6px;border-radius:8px;font-size:1.05rem}
.verdict strong{font-size:1.2rem;display:block}
.glance{list-style:none;margin:1rem 0 0;padding:0;display:grid;gap:.35rem}
.glance li,.notes li{display:grid;grid-template-columns:1.5rem 1fr;overflow-wrap:anywhere}
.mark{font-weight:700}
nav ul{list-style:none;display:flex;flex-wrap:wrap;gap:.3rem 1.1rem;margin:1.25rem 0 1.5rem;padding:.7rem 0;border-block:1px solid var(--line);font-size:.9rem}
section{background:var(--card);border:1px solid var(--line);border-radius:10px;padding:1.1rem 1.25rem 1.25rem;margin:0 0 1.1rem}
main section>:nth-child(n+3){margin-top:1rem}
.facts{display:grid;grid-template-columns:minmax(7rem,max-content) 1fr;gap:.3rem 1.25rem;margin:0}
.facts div{display:contents}
dt{color:var(--soft)}
dd{margin:0;min-width:0;overflow-wrap:anywhere}
.notes{list-style:none;margin:0;padding:0;display:grid;gap:.35rem}
table{width:100%;border-collapse:collapse;font-size:.9rem}
caption{text-align:left;color:var(--soft);padding:0 0 .5rem}
thead th{text-align:left;font-weight:600;color:var(--soft);font-size:.8rem;padding:.35rem .75rem .35rem 0;border-bottom:2px solid var(--line);vertical-align:bottom}
tbody th{text-align:left;font-weight:400}
td,tbody th{padding:.4rem .75rem .4rem 0;border-bottom:1px solid var(--line);vertical-align:top}
.long{overflow-wrap:anywhere;min-width:9rem}
th:last-child,td:last-child{padding-right:0}
tr:last-child td,tbody tr:last-child th{border-bottom:0}
.num,thead th.num,tbody th.num{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}
.more{margin:.5rem 0 0;color:var(--soft)}
.good{color:var(--good)}.warn{color:var(--warn)}.bad{color:var(--bad)}.quiet{color:var(--quiet)}
.pill{display:inline-block;padding:.02rem .5rem;border-radius:1rem;font-weight:600;font-size:.85em;white-space:nowrap}
.pill.good,.verdict.good{background:var(--good-bg)}.pill.warn,.verdict.warn{background:var(--warn-bg)}
.pill.bad,.verdict.bad{background:var(--bad-bg)}.pill.quiet{background:var(--quiet-bg);font-weight:500}
.verdict span{color:var(--ink)}
.picture{overflow-x:auto}
.picture:focus-visible{outline:3px solid var(--link)}
.picture svg{display:block;width:100%;min-width:44rem;height:auto}
svg text{fill:var(--ink);font:12px system-ui,-apple-system,"Segoe UI",Roboto,Arial,sans-serif}
svg .soft{fill:var(--soft)}svg .grid{stroke:var(--line)}svg .row{stroke:var(--line);stroke-dasharray:1 4}
svg .run{fill:var(--run)}svg .cell{fill:var(--cell)}svg .command{fill:var(--command)}svg .secret{fill:var(--secret)}svg .export{fill:var(--export)}
svg .open{fill-opacity:.45}svg circle{stroke:var(--card);stroke-width:1.5}
footer{padding-top:.5rem;padding-bottom:2.5rem;color:var(--soft);font-size:.88rem}
@media (max-width:44rem){
header,main,footer,nav{padding-left:.9rem;padding-right:.9rem}section{padding:.9rem}
.facts{grid-template-columns:1fr;gap:0}dt{font-size:.82rem;margin-top:.45rem}
table,tbody,tr,td,tbody th,caption{display:block}thead{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)}
tr{padding:.55rem 0;border-bottom:1px solid var(--line)}tr:last-child{border-bottom:0}
td,tbody th,td.num,tbody th.num{border:0;padding:.12rem 0;display:grid;grid-template-columns:7rem 1fr;gap:.75rem;text-align:left;white-space:normal}
td::before,tbody th::before{content:attr(data-title);color:var(--soft);font:.85em/1.6 system-ui,sans-serif}
td,tbody th{overflow-wrap:anywhere;min-width:0}td>*,tbody th>*{justify-self:start;min-width:0}tbody th{font-weight:600}tbody th::before{font-weight:400}h1{font-size:1.2rem}td:empty{display:none}
}
@media print{
:root{color-scheme:light;--bg:#fff;--card:#fff;--ink:#000;--soft:#444;--line:#bbb;--code:#fff;--link:#000}
body{font-size:10pt}nav,.skip{display:none}section{border:0;padding:0;margin:0 0 1.2rem}
tr,.verdict,.picture,dd{break-inside:avoid}h2,caption{break-after:avoid}thead{display:table-header-group}
.pill,.verdict{print-color-adjust:exact;-webkit-print-color-adjust:exact}.picture svg{min-width:0}
header,main,footer{max-width:none;padding:0}main{margin-top:1.2rem}
}
@media (prefers-reduced-motion:reduce){html{scroll-behavior:auto}}
`;
