// Close a cell, read its teardown certificate, audit its evidence.   npm run example -- examples/verify.ts
import { Cell } from 'cellos';

const cell = await Cell.create({ ttl: '1m' });
for (const item of cell.plan.items.filter((one) => one.name.startsWith('namespace.'))) console.log(`${item.name}: ${item.effective} (${item.mechanism})`);
await cell.exec(['true']);

const end = await cell.close();
for (const line of end.teardown) console.log(`${line.result}  ${line.probe}`);
console.log(`${end.ending}, residue: ${end.residue.length}`);

const report = await cell.evidence.verify();
console.log(`${report.verdict}: ${report.count} records, head ${report.head}`);
