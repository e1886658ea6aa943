/**
 * A writer of a host log, to be killed: `log-writer.ts FOLDER NAME`. Appends a few leaves at a time and publishes; prints the size of the tree once a
 * checkpoint of it was published, with where its leaves are. Begins again when another writer was first. Ends by itself when its standard input does.
 */
import { openHostLog } from '../../src/adapters/log/host-log.ts';
import { logFilesIn } from '../../src/adapters/log/log-files.ts';
import { utf8 } from '../../src/base/bytes.ts';
import { ed25519SigningKey } from '../../src/base/crypto.ts';
import { leafHash } from '../../src/core/evidence/merkle.ts';

export const LOG_ORIGIN = 'cellos.dev/log/crash/1';
const key = ed25519SigningKey(new Uint8Array(32).fill(5));
export const LOG_KEY = { name: LOG_ORIGIN, publicKey: key.publicKey };

export const leafOf = (writer: string, batch: number, at: number): Uint8Array => leafHash(utf8(`${writer}/${batch}/${at}`));
/** Leaves of a batch: now few, now more than a tile. */
export const batchSize = (batch: number): number => (batch % 7 === 6 ? 300 : 1 + (batch % 5) * 13);

export const openLog = (folder: string) => openHostLog({ files: logFilesIn(folder), origin: LOG_ORIGIN, signers: [{ key: LOG_KEY, sign: key.sign }], verifiers: [LOG_KEY] });

async function write(folder: string, writer: string): Promise<never> {
  let log = openLog(folder);
  for (let batch = 0; ; batch += 1) {
    for (let published = false; !published; ) {
      const first = log.append(Array.from({ length: batchSize(batch) }, (_, at) => leafOf(writer, batch, at)));
      const done = await log.publish();
      published = done.kind === 'published';
      if (done.kind === 'published') process.stdout.write(`${batch} ${first} ${done.head.size}\n`);
      else log = openLog(folder);
    }
  }
}

if (import.meta.main) {
  const [folder = '', writer = ''] = process.argv.slice(2);
  process.stdin.resume().once('end', () => process.exit(0));
  await write(folder, writer);
}
