/** `cellos/testing`: the contract suites of the ports, for whoever writes an adapter. */
export { type ClockSubject, clockContract, randomContract } from './contracts/clock.ts';
export { type ContractCase, expectCode } from './contracts/contract.ts';
export { type BundleSubject, runBundleContract } from './contracts/run-bundle.ts';
export { type BrokerSubject, secretBrokerContract } from './contracts/secret-broker.ts';
export * from './contracts/workspace.ts';
