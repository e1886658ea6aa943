/** `kill-child.ts FOLDER SEED`: appends to the journal, alone and many at once, until it is killed; says each record before and after it is acknowledged. */
import { writeSync } from 'node:fs';
import { openJournalFolder } from '../../src/adapters/journal/open-journal.ts';
import { seededRandom } from '../crash/kill-campaign.ts';

const [, , path = '', seed = ''] = process.argv;
const random = seededRandom(Number(seed));
const opened = await openJournalFolder(path, { segmentBytes: 65_536, reserveBytes: 4096 });
if (opened.state !== 'writable') throw new Error(`the journal is damaged: ${opened.damage.detail}`);
const { journal } = opened;

async function append(name: string): Promise<void> {
  const payload = Buffer.from(name.padEnd(Math.floor(random() * (random() < 0.1 ? 9000 : 600)), '.'));
  const { sequence } = await journal.append(1, payload);
  writeSync(1, `${sequence} ${name} ${payload.byteLength}\n`);
}

for (let round = 0; ; round += 1) {
  const count = random() < 0.5 ? 1 : Math.ceil(random() * 40);
  await Promise.all(Array.from({ length: count }, (_, i) => append(`${seed}/${round}/${i}`)));
  if (random() < 0.05) await journal.moveCursor('sink', journal.durable);
  if (random() < 0.03) await journal.drop({ below: journal.durable.sequence - 200 });
}
