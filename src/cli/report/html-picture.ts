/** The lanes of a run as inline SVG. The table of the records below it tells the same to whoever cannot see it. Pure. */
import type { Lane, Lanes } from '../../core/projection/report/run-times.ts';
import { durationText, fit } from '../render.ts';
import { html } from './html-text.ts';
import { tookText } from './page.ts';

const WIDTH = 960;
const LEFT = 190;
const RIGHT = 84;
const TOP = 28;
const ROW = 26;
const BAR = 12;
const NAME_MAX = 26;

/** A step of 1, 2 or 5 times a power of ten that gives at most six ticks. */
export function tickStep(lengthMs: number): number {
  for (let power = 1; ; power *= 10) for (const step of [power, 2 * power, 5 * power]) if (lengthMs / step <= 6) return step;
}

const number = (value: number): string => String(Math.round(value * 10) / 10);

function ticks(lengthMs: number, x: (ms: number) => number, height: number): string {
  const step = tickStep(lengthMs);
  let out = '';
  for (let ms = 0; ms <= lengthMs; ms += step) {
    out += `<line class="grid" x1="${number(x(ms))}" x2="${number(x(ms))}" y1="${TOP - 6}" y2="${height}"/><text class="soft" x="${number(x(ms))}" y="${TOP - 12}" text-anchor="middle">${html(durationText(ms))}</text>`;
  }
  return out;
}

function laneMarkup(lane: Lane, at: number, x: (ms: number) => number, lengthMs: number): string {
  const y = TOP + at * ROW + 4;
  const from = x(lane.fromMs);
  const to = x(lane.toMs ?? lengthMs);
  const took = tookText(lane);
  const middle = y + BAR / 2;
  const marks = lane.marks.map(({ atMs, what }) => `<circle class="${lane.kind}" cx="${number(x(atMs))}" cy="${middle}" r="5"><title>${html(`${what}, +${Math.round(atMs)} ms`)}</title></circle>`).join('');
  return `<g><title>${html(`${lane.name}: ${took}`)}</title><text x="0" y="${middle + 4}">${html(fit(lane.name, NAME_MAX))}</text><line class="row" x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${middle}" y2="${middle}"/><rect class="${lane.kind}${lane.toMs === undefined ? ' open' : ''}" x="${number(from)}" y="${y}" width="${number(Math.max(2, to - from))}" height="${BAR}" rx="3"/>${marks}<text class="soft" x="${WIDTH}" y="${middle + 4}" text-anchor="end">${html(took)}</text></g>`;
}

/** @param id of the title element, unique in the page */
export function picture(lanes: Lanes, about: string, id: string): string {
  const height = TOP + lanes.lanes.length * ROW + 4;
  const lengthMs = Math.max(1, lanes.lengthMs);
  const x = (ms: number): number => LEFT + (Math.min(ms, lengthMs) / lengthMs) * (WIDTH - LEFT - RIGHT);
  const rows = lanes.lanes.map((lane, at) => laneMarkup(lane, at, x, lengthMs)).join('');
  return `<div class="picture" role="region" tabindex="0" aria-label="Timeline, picture"><svg viewBox="0 0 ${WIDTH} ${height}" role="img" aria-labelledby="${id}"><title id="${id}">${html(about)}</title>${ticks(lengthMs, x, height)}${rows}</svg></div>${lanes.more === 0 ? '' : `<p class="more">… and ${lanes.more} more</p>`}`;
}
