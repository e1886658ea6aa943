// npm test: set-up, the walls, the tests; the last line is "N passed, N failed, N skipped".
import { spawnSync } from 'node:child_process';
import { readFileSync, rmSync } from 'node:fs';
import { bringTestServers, nodeBin, setup } from './setup.mjs';

const env = setup();
bringTestServers(env);
const node = (...args) => spawnSync(`${nodeBin}/node`, args, { stdio: 'inherit', env }).status ?? 1;
const REPORT = 'build/tests.json';
rmSync(REPORT, { force: true });
const checked = node('tools/check.ts');
const tested = node('node_modules/vitest/vitest.mjs', 'run', '--reporter=default', '--reporter=json', `--outputFile.json=${REPORT}`, '--maxWorkers=2');
const report = JSON.parse(readFileSync(REPORT, 'utf8'));
for (const file of report.testResults) for (const test of file.assertionResults) if (test.status === 'pending') console.log(`skipped: ${test.fullName}`);
if (checked !== 0) console.log('The walls are broken: see above, or npm run check');
console.log(`${report.numPassedTests} passed, ${report.numFailedTests} failed, ${report.numPendingTests} skipped`);
process.exitCode = checked || tested || (process.env.CI === 'true' && report.numPendingTests > 0 ? 1 : 0);
