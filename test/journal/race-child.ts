/** `race-child.ts FOLDER NAME TIMES`: gets the journal so many times, against others that want it, and says what was acknowledged. */
import { writeSync } from 'node:fs';
import { openJournalFolder } from '../../src/adapters/journal/open-journal.ts';
import { isCellError } from '../../src/base/errors.ts';

const [, , path = '', name = '', times = ''] = process.argv;
let got = 0;
while (got < Number(times)) {
  try {
    const opened = await openJournalFolder(path, { segmentBytes: 4096, reserveBytes: 512 });
    if (opened.state !== 'writable') throw new Error(`the journal is damaged: ${opened.damage.detail}`);
    got += 1;
    const content = `${name} ${got}`.replace(' ', '-');
    const { sequence } = await opened.journal.append(1, Buffer.from(content));
    writeSync(1, `${sequence} ${content}\n`);
    await opened.journal.close();
  } catch (error) {
    if (!isCellError(error, 'journal.busy')) throw error;
    await new Promise((resolve) => setImmediate(resolve));
  }
}
