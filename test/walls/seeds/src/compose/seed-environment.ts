// breaks lint: noProcessEnv
export const home = process.env['HOME'];
