/** An archive somebody hands to the auditor: an index whose entries lie inside it, or a refusal. */
import { assert } from '../../src/base/errors.ts';
import { indexTar } from '../../src/core/evidence/tar.ts';
import { tarOf } from '../../test/tamper/sample.ts';

/** Mutations hardly ever hit a checksum: it is set right again, so that what stands behind it is reached. */
function repaired(bytes: Uint8Array): Uint8Array {
  const copy = Uint8Array.from(bytes.subarray(0, bytes.byteLength - (bytes.byteLength % 512)));
  for (let at = 0; at + 512 <= copy.byteLength; at += 512) {
    const header = copy.subarray(at, at + 512);
    if (Buffer.from(header.subarray(257, 262)).toString('latin1') !== 'ustar') continue;
    header.fill(32, 148, 156);
    const sum = header.reduce((total, byte) => total + byte, 0);
    header.set(Buffer.from(`${sum.toString(8).padStart(6, '0')}\0 `, 'latin1'), 148);
  }
  return copy;
}

export const seeds = [tarOf(new Map([['records.jsonl', Buffer.from('{}\n')], ['artifacts/x', Buffer.from('1')]])), tarOf(new Map([['run/a', Buffer.from('')], ['run/b', Buffer.from('b')]]))];

export default function tar(bytes: Uint8Array): void {
  const archive = repaired(bytes);
  const index = indexTar({ size: archive.byteLength, read: (offset, size) => archive.subarray(offset, offset + size) });
  for (const [path, entry] of index) {
    assert(entry.offset >= 512 && entry.offset + entry.size <= archive.byteLength, 'an entry lies inside its archive');
    assert(path !== '' && !path.startsWith('/') && !path.split('/').includes('..'), 'a path stays inside the bundle');
  }
}
