/** Any bytes as an event: read or refused with a CellError; what is read has one canonical form, which reads back as itself. */
import assert from 'node:assert/strict';
import { canonicalEventText, eventText, parseEventText } from '../../src/core/events/envelope-codec.ts';
import { parseRedactFields, redactEvent } from '../../src/core/events/redact.ts';
import { CellProjection } from '../../src/core/projection/cell-projection.ts';
import { snapshotText } from '../../src/core/projection/cell-state.ts';

export default function fuzzEvent(bytes: Uint8Array): void {
  const event = parseEventText(bytes);
  const canonical = canonicalEventText(event);
  assert.equal(canonicalEventText(parseEventText(canonical)), canonical);
  assert.equal(canonicalEventText(parseEventText(eventText(event))), canonical);
  const redacted = redactEvent(event, parseRedactFields('wide'));
  assert.equal(canonicalEventText(redactEvent(redacted, parseRedactFields('wide'))), canonicalEventText(redacted));
  for (const mode of ['ours', 'reference'] as const) {
    const projection = new CellProjection(mode);
    projection.apply(event);
    projection.apply(event);
    snapshotText(projection.state);
  }
}
