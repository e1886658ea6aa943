// Follow the evidence of a cell while it is made.   npm run example -- examples/events.ts
import { Cell } from 'cellos';

const cell = await Cell.create({ ttl: '1m' });

const follower = (async () => {
  for await (const event of cell.evidence.events()) console.log(`${String(event.seq).padStart(2)}  ${event.tier.padEnd(6)}  ${event.type.replace('dev.cellos.events.cell.', '')}`);
})();

await cell.exec(['echo', 'hello']);
await cell.files.write('note', 'from outside');
await cell.close();
await follower;
