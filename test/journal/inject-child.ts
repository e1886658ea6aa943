/** `inject-child.ts FOLDER`: writes a little of everything, says what is acknowledged, and ends in order whatever the disk does. */
import { writeSync } from 'node:fs';
import { openJournalFolder } from '../../src/adapters/journal/open-journal.ts';
import { isCellError } from '../../src/base/errors.ts';

try {
  const opened = await openJournalFolder(process.argv[2] ?? '', { segmentBytes: 8192, reserveBytes: 512 });
  if (opened.state !== 'writable') throw new Error(opened.damage.detail);
  const { journal } = opened;
  const append = async (name: string): Promise<void> => {
    const { sequence } = await journal.append(1, Buffer.from(name.padEnd(2000, '.')));
    writeSync(1, `${sequence} ${name}\n`);
  };
  for (const name of ['a0', 'a1']) await append(name);
  await Promise.all(['b0', 'b1', 'b2'].map(append));
  await journal.moveCursor('sink', journal.durable);
  await append('c0');
  await journal.close();
} catch (error) {
  if (!isCellError(error)) throw error;
  writeSync(1, `failed: ${error.code}\n`);
}
