/**
 * One file for each event that a sink refused (reference/07 §5): `<unix ms>-<id>.jsonl`, `{"error": …, "event": …}` with sorted keys.
 *
 *   D1  a letter is written beside its place and linked there: whole or not at all, and never over another;
 *   D2  what is kept is the redacted event; the reference keeps it as it was before.
 */
import { existsSync, linkSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { toHex, utf8 } from '../../base/bytes.ts';
import { canonicalText } from '../../base/canonical-json.ts';
import { CellError, errnoOf, messageOf } from '../../base/errors.ts';
import { jsonObject } from '../../base/json.ts';
import { eventToJson } from '../../core/events/envelope-codec.ts';
import type { Clock, Random } from '../../ports/clock.ts';
import type { DeadLetters } from '../../ports/event-sink.ts';

/** Longest part of a file name that is made from an id, characters. */
const ID_LENGTH_MAX = 200;

function sanitised(id: string): string {
  const name = Array.from(id, (char) => (/[A-Za-z0-9._-]/.test(char) ? char : '_')).join('').slice(0, ID_LENGTH_MAX);
  return name === '' ? '_' : name;
}

/** @returns undefined when the folder is none, or nothing can be written there; it is never made */
export function openDeadLetters(folder: string, { clock, random }: { clock: Clock; random: Random }): DeadLetters | undefined {
  const scratch = (): string => `${folder}/.cellos-dlq-${toHex(random.bytes(8))}`;
  const probe = scratch();
  try {
    if (!statSync(folder).isDirectory()) return undefined;
    writeFileSync(probe, '', { flag: 'wx', mode: 0o600 });
    rmSync(probe);
  } catch {
    return undefined;
  }
  return {
    keep(event, error) {
      const part = scratch();
      const name = `${clock.nowMs()}-${sanitised(event.id)}`;
      try {
        writeFileSync(part, utf8(`${canonicalText(jsonObject({ error, event: eventToJson(event) }))}\n`), { flag: 'wx', mode: 0o600, flush: true });
        let place = `${folder}/${name}.jsonl`;
        if (existsSync(place)) place = `${folder}/${name}-${toHex(random.bytes(4))}.jsonl`;
        linkSync(part, place);
      } catch (cause) {
        throw new CellError('evidence.unwritable', `Cannot keep an event that was refused in ${folder}: ${errnoOf(cause) ?? messageOf(cause)}`, { cause });
      } finally {
        rmSync(part, { force: true });
      }
    },
  };
}
