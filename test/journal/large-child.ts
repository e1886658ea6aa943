/** `large-child.ts FOLDER write|read MIB`: says how many records there were, and the most memory it took. */
import { openJournalFolder } from '../../src/adapters/journal/open-journal.ts';

const [, , path = '', what = '', mebibytes = ''] = process.argv;
const opened = await openJournalFolder(path, { whole: what === 'read' });
if (opened.state !== 'writable') throw new Error(opened.damage.detail);
const { journal } = opened;
let records = 0;
if (what === 'write') {
  for (let round = 0; round < Number(mebibytes); round += 1) {
    await Promise.all(Array.from({ length: 64 }, () => journal.append(1, new Uint8Array(16_384).fill(round))));
    records += 64;
  }
} else for await (const { payload } of journal.read({ from: 1 })) records += Number(payload.byteLength === 16_384);
await journal.close();
console.log(JSON.stringify({ records, rssMiB: Math.round(process.resourceUsage().maxRSS / 1024) }));
