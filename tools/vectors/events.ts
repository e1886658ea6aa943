/** Adapters of vectors/events: events, their builders, small functions. Signing, trust and evidence have modules of their own. */
import assert from 'node:assert/strict';
import { toHex, utf8 } from '../../src/base/bytes.ts';
import { canonicalBytes, canonicalText } from '../../src/base/canonical-json.ts';
import { isJsonObject, type JsonObject, type JsonValue } from '../../src/base/json.ts';
import { parseJson } from '../../src/base/json-parse.ts';
import { EVENTS } from '../../src/core/events/catalogue.ts';
import { canonicalEventText, eventText, eventToJson, parseCloudEvent, parseEventText } from '../../src/core/events/envelope-codec.ts';
import type { CloudEvent } from '../../src/core/events/envelope.ts';
import { evidenceBundleStubData, evidenceBundleUrn } from '../../src/core/events/host-probes.ts';
import { CellProjection } from '../../src/core/projection/cell-projection.ts';
import { currentState, snapshotText } from '../../src/core/projection/cell-state.ts';
import { buildByName } from './events-builders.ts';
import { loadAdapters } from './events-load.ts';
import { signingAdapters } from './events-signing.ts';
import { smallAdapters } from './events-small.ts';
import { trustAdapters } from './events-trust.ts';
import { objectMember, optionalText, refuses, sameJson, textMember } from './expect.ts';
import type { VectorAdapter } from './vector.ts';

const PROJECTION_REASONS = [
  [/is missing data payload$/, 'no-data'],
  [/projection saw mismatched/, 'mismatch'],
  [/illegal (projection )?transition/, 'order'],
  [/parse field|unknown identity failure operation|is missing required field|must be an? |is out of range/, 'field'],
] as const;

/** The event the builder vectors put the data into. */
function builtEvent(input: JsonObject, at: { id: JsonValue | undefined; source: JsonValue | undefined; time: JsonValue | undefined }): { event: CloudEvent; data: JsonObject } {
  const { type, data } = buildByName(textMember(input, 'builder'), objectMember(input, 'args'));
  const time = optionalText(at.time);
  return { event: { specversion: '1.0', id: String(at.id), source: String(at.source), type, datacontenttype: 'application/json', data, ...(time === undefined ? {} : { time }) }, data };
}

export const eventAdapters: Readonly<Record<string, VectorAdapter>> = {
  'events/canonical': ({ input, expect }) => {
    const read = () => parseJson(textMember(input, 'text'), { duplicates: 'last', floats: 'reference' });
    if (expect['error'] !== undefined) {
      refuses(read, ['json.invalid', 'json.number']);
      return;
    }
    const ok = objectMember(expect, 'ok');
    assert.equal(canonicalText(read()), textMember(ok, 'canonical'));
    assert.equal(toHex(canonicalBytes(read())), textMember(ok, 'canonical_hex'));
  },

  'events/cloudevent_parse': ({ input, expect }) => {
    const read = () => parseEventText(textMember(input, 'text'), 'reference');
    if (expect['error'] !== undefined) {
      refuses(read, ['json.invalid', 'event.invalid']);
      return;
    }
    const ok = objectMember(expect, 'ok');
    assert.equal(eventText(read()), textMember(ok, 'json'));
    assert.equal(canonicalEventText(read()), textMember(ok, 'canonical'));
    assert.equal(toHex(utf8(canonicalEventText(read()))), textMember(ok, 'canonical_hex'));
    assert.equal(canonicalText(eventToJson(read())), textMember(ok, 'canonical'));
  },

  'events/builders_data': ({ input, expect }) => {
    const envelope = objectMember(input, 'envelope');
    const build = () => builtEvent(input, { id: envelope['id'], source: envelope['source'], time: envelope['time'] });
    if (expect['error'] !== undefined) {
      refuses(build, ['event.invalid']);
      return;
    }
    const ok = objectMember(expect, 'ok');
    assert.equal(canonicalText(build().data), textMember(ok, 'data_json'));
    sameJson(build().data, ok['data']);
    assert.equal(eventText(build().event), textMember(ok, 'event_json'));
  },

  'events/builders_envelope': ({ input, expect }) => {
    const build = () => builtEvent(input, { id: input['fixed_id'], source: input['source'], time: input['time'] });
    if (expect['error'] !== undefined) {
      refuses(build, ['event.invalid']);
      return;
    }
    assert.equal(eventText(build().event), textMember(objectMember(expect, 'ok'), 'event_json'));
  },

  'events/destruction_stub': ({ input, expect }) => {
    const ids = { cellId: textMember(input, 'cell_id'), runId: textMember(input, 'run_id'), specId: textMember(input, 'spec_id'), residueClass: textMember(input, 'residue') as 'none' };
    const ok = objectMember(expect, 'ok');
    const event = parseCloudEvent({ ...objectMember(ok, 'event'), id: '' });
    assert.equal(event.type, EVENTS.evidenceBundleStub.type);
    assert.ok(isJsonObject(event.data));
    sameJson(evidenceBundleStubData(ids), event.data);
    assert.equal(evidenceBundleUrn(ids.runId), textMember(ok, 'urn'));
  },

  'events/projection': ({ input, expect }) => {
    const projection = new CellProjection('reference');
    const ok = objectMember(expect, 'ok');
    const results = (input['events'] as readonly JsonValue[]).map((event) => projection.apply(parseCloudEvent(event)));
    const expected = ok['results'] as readonly JsonValue[];
    assert.equal(results.length, expected.length);
    for (const [i, result] of results.entries()) {
      const want = expected[i];
      const wanted = isJsonObject(want) ? PROJECTION_REASONS.find(([pattern]) => pattern.test(textMember(want, 'error')))?.[1] : want;
      assert.equal(result.kind === 'refused' ? result.reason : result.kind === 'applied', wanted, `event ${i}`);
    }
    assert.equal(snapshotText(projection.state), textMember(ok, 'snapshot_json'));
    assert.equal(currentState(projection.state), textMember(ok, 'current_state'));
  },

  ...smallAdapters,
  ...signingAdapters,
  ...trustAdapters,
  ...loadAdapters,
};
