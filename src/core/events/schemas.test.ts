import { readFileSync } from 'node:fs';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { describe, expect, it } from 'vitest';
import { buildByName } from '../../../tools/vectors/events-builders.ts';
import { isJsonObject, type JsonObject } from '../../base/json.ts';
import { parseJson } from '../../base/json-parse.ts';
import { compactText } from '../../base/canonical-json.ts';
import { EVENTS } from './catalogue.ts';
import { eventSchema } from './schemas.ts';

/** As somebody else reads it: plain JSON. */
const plain = (value: JsonObject): object => JSON.parse(compactText(value)) as object;

const ajv = new Ajv2020({ strict: true, strictRequired: false, allErrors: true });
const valid = ajv.compile(plain(eventSchema()));

function findings(event: object): string[] {
  if (valid(event)) return [];
  const { type } = event as { type: string };
  const place = Object.entries(EVENTS).find(([, info]) => info.type === type)?.[0];
  const branch = Object.keys(EVENTS).indexOf(place ?? '');
  return (valid.errors ?? []).filter((error) => place === undefined || error.schemaPath.startsWith(`#/$defs/${place}/`) || error.schemaPath.startsWith(`#/anyOf/${branch}/`)).map((error) => `${error.instancePath} ${error.message}`);
}

const event = (type: string, data: object): object => ({ specversion: '1.0', id: '1', source: 'test', type, data });

const vectors = parseJson(readFileSync(`${import.meta.dirname}/../../../test/vectors/events/builders_data.json`)) as JsonObject;
const built = (vectors['cases'] as JsonObject[]).flatMap((one) => {
  const { builder, args } = one['input'] as JsonObject;
  const { ok } = one['expect'] as JsonObject;
  return typeof builder === 'string' && isJsonObject(args) && isJsonObject(ok) ? [{ name: String(one['name']), builder, args }] : [];
});

describe('the JSON Schema of events', () => {
  it.each(built)('takes what the builder makes: $name', ({ builder, args }) => {
    const { type, data } = buildByName(builder, args);
    expect(findings(event(type, plain(data)))).toEqual([]);
  });

  it('was tried with many builders', () => {
    expect(new Set(built.map(({ builder }) => builder)).size).toBeGreaterThan(30);
  });

  it('refuses a type nobody knows, data of another type, and a member of the wrong kind', () => {
    expect(findings(event('dev.cellos.events.cell.unknown.v1.x', {})).length).toBeGreaterThan(0);
    expect(findings(event(EVENTS.processSpawned.type, { cellId: 'a', specId: 'a', program: 'sh' }))).toContain("/data must have required property 'argc'");
    expect(findings(event(EVENTS.processSpawned.type, { cellId: 'a', specId: 'a', program: 'sh', argc: -1 }))).toContain('/data/argc must be >= 0');
    expect(findings(event(EVENTS.processSpawned.type, { cellId: 'a', specId: 'a', program: 'sh', argc: 1, more: true }))).toEqual([]);
  });
});
