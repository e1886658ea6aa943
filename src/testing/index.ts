/** `cellos/testing`: the contract suites of the ports, for whoever writes an adapter. */
export { type ClockHarness, clockContract, randomContract } from './contracts/clock.ts';
export { type ContractCase, expectCode } from './contracts/contract.ts';
export { runBundleContract, type RunBundleHarness } from './contracts/run-bundle.ts';
export { secretBrokerContract, type SecretBrokerHarness } from './contracts/secret-broker.ts';
export { workspaceContract, type WorkspaceHarness } from './contracts/workspace.ts';
