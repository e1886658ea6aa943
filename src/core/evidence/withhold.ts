/**
 * Events that are not given away: their records stay, with salt and digest, without the event (chain.ts D2). Pure.
 *
 *   WH1  the first and the last record are what a run is proved by, and stay whole;
 *   WH2  what was asked and cannot be, or is not there, is refused: nobody shall believe that something was withheld, and give it away.
 */
import { type Bytes, utf8 } from '../../base/bytes.ts';
import { canonicalText } from '../../base/canonical-json.ts';
import { CellError } from '../../base/errors.ts';
import { isJsonObject, jsonObject, type JsonObject } from '../../base/json.ts';
import { parseJson } from '../../base/json-parse.ts';
import { EVENTS, typesNamed } from '../events/catalogue.ts';

interface Ask {
  /** As it was written. */
  readonly text: string;
  readonly matches: (seq: number, type: string) => boolean;
}

function refuse(text: string, why: string): never {
  throw new CellError('usage.invalid', `Cannot withhold ${JSON.stringify(text)}: ${why}`, { facts: { item: text } });
}

function askOf(text: string): Ask {
  const [, first, last = first] = /^([0-9]{1,15})(?:-([0-9]{1,15}))?$/.exec(text) ?? [];
  if (first !== undefined) {
    const [from, to] = [Number(first), Number(last)];
    if (to < from) refuse(text, 'a range goes upwards');
    return { text, matches: (seq) => seq >= from && seq <= to };
  }
  const types = new Set(typesNamed(text));
  if (types.size === 0) refuse(text, 'write the number of a record, a range of them as 3-7, or the name of an event; cellos events lists both');
  if (types.has(EVENTS.genesis.type) || types.has(EVENTS.sealed.type)) refuse(text, 'the first and the last record are what a run is proved by'); // WH1
  return { text, matches: (_, type) => types.has(type) };
}

export class Withholder {
  readonly #asks: readonly Ask[];
  readonly #count: number;
  readonly #met = new Set<Ask>();
  /** Numbers of the records whose event is withheld, those that came without one too. */
  readonly withheld: number[] = [];

  /**
   * @param texts numbers of records, ranges (`3-7`), names of events; lists with commas too
   * @param count records there are
   * @throws CellError `usage.invalid`
   */
  constructor(texts: readonly string[], count: number) {
    this.#asks = texts.flatMap((text) => text.split(',')).map((text) => text.trim()).filter((text) => text !== '').map(askOf);
    this.#count = count;
    for (const { text, matches } of this.#asks) if (matches(0, '') || matches(count - 1, '')) refuse(text, 'the first and the last record are what a run is proved by'); // WH1
  }

  /** @param line of a bundle that verifies, without its newline. @returns the line, or its record without the event. @throws CellError `usage.invalid` [WH2] */
  line(line: Bytes, seq: number): Bytes {
    const record = parseJson(line);
    if (!isJsonObject(record)) throw new CellError('evidence.invalid', `Cannot withhold anything of record ${seq}: it is no object`);
    const { envelope, ...header } = record;
    const event = isJsonObject(envelope) ? envelope['event'] : undefined;
    const type = isJsonObject(event) && typeof event['type'] === 'string' ? event['type'] : '';
    const met = this.#asks.filter(({ matches }) => matches(seq, type));
    for (const ask of met) this.#met.add(ask);
    if (envelope !== undefined && met.length === 0) return line;
    if (met[0] !== undefined && seq === this.#count - 1) refuse(met[0].text, `record ${seq} is one, and the last that there is`); // WH1: of a run without an end it can be any
    this.withheld.push(seq);
    return utf8(canonicalText(jsonObject(header as JsonObject)));
  }

  /** After the last line. @param torn bytes stand behind it. @throws CellError `usage.invalid` [WH2] */
  end(torn = false): void {
    const [asked] = this.#asks;
    if (torn && asked !== undefined) refuse(asked.text, 'the last line of the records is torn, and part of what is to be kept back may stand in it');
    const unmet = this.#asks.find((ask) => !this.#met.has(ask));
    if (unmet !== undefined) refuse(unmet.text, 'there is no such record in the bundle');
  }
}
