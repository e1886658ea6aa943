// npm test: set-up, the compiler, the tests; the last line is "N passed, N failed, N skipped".
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { nodeBin, setup } from './setup.mjs';

const env = setup();
const checked = spawnSync(`${nodeBin}/node`, ['node_modules/.bin/tsc', '-p', '.', '--noEmit'], { stdio: 'inherit', env });
const tested = spawnSync(`${nodeBin}/node`, ['node_modules/vitest/vitest.mjs', 'run', '--reporter=default', '--reporter=json', '--outputFile.json=build/tests.json', '--maxWorkers=2'], { stdio: 'inherit', env });
const report = JSON.parse(readFileSync('build/tests.json', 'utf8'));
for (const file of report.testResults) for (const test of file.assertionResults) if (test.status === 'pending') console.log(`skipped: ${test.fullName}`);
console.log(`${report.numPassedTests} passed, ${report.numFailedTests} failed, ${report.numPendingTests} skipped`);
process.exitCode = checked.status || tested.status || (process.env.CI === 'true' && report.numPendingTests > 0 ? 1 : 0);
