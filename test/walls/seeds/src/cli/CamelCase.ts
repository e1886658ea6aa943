// breaks tidy: is not named in kebab-case
export const camel = true;
