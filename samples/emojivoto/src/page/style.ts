/** Style sheet of the page, light and dark. */
export const pageStyle = `
:root { color-scheme: light dark; --ink: #1d2433; --quiet: #5c6579; --paper: #fbfaf7; --card: #ffffff; --line: #e4e1d8; --accent: #1a6fdb; --bad: #b3261e; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #eceef4; --quiet: #a2abbf; --paper: #12151d; --card: #1b202b; --line: #2c3342; --accent: #79b0ff; --bad: #ff8a80; }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink); font: 16px/1.5 system-ui, sans-serif; }
header { display: flex; gap: 2rem; align-items: center; padding: 1rem clamp(1rem, 5vw, 4rem); border-bottom: 1px solid var(--line); }
.brand { font-weight: 800; letter-spacing: .12em; color: var(--ink); text-decoration: none; }
nav { display: flex; gap: 1.25rem; }
a { color: var(--accent); }
main { max-width: 70rem; margin: 0 auto; padding: 1.5rem clamp(1rem, 5vw, 4rem) 4rem; }
h1 { font-size: clamp(1.6rem, 4vw, 2.6rem); line-height: 1.15; margin: 1rem 0 .5rem; }
.quiet { color: var(--quiet); }
.message { margin: 0; padding: .6rem clamp(1rem, 5vw, 4rem); background: var(--card); border-bottom: 1px solid var(--line); }
.grid { display: grid; grid-template-columns: repeat(auto-fill, minmax(4rem, 1fr)); gap: .6rem; margin-top: 1.5rem; }
.emoji { font-size: 2rem; line-height: 1; aspect-ratio: 1; border: 1px solid var(--line); border-radius: .9rem; background: var(--card); color: inherit; cursor: pointer; transition: transform .12s; }
.emoji:hover, .emoji:focus-visible { transform: scale(1.12); border-color: var(--accent); outline: none; }
.result { text-align: center; padding: 3rem 1rem; }
.result .big { font-size: 6rem; line-height: 1.2; }
.failed h1 { color: var(--bad); font-size: clamp(4rem, 15vw, 8rem); margin: 0; }
.button { display: inline-block; margin-top: 1.5rem; padding: .7rem 1.4rem; border-radius: 2rem; background: var(--accent); color: var(--paper); text-decoration: none; font-weight: 600; }
.board { list-style: none; padding: 0; display: grid; grid-template-columns: repeat(auto-fill, minmax(6rem, 1fr)); gap: .8rem; }
.board li { background: var(--card); border: 1px solid var(--line); border-radius: .9rem; padding: .8rem; text-align: center; font-size: 2rem; }
.board small { display: block; font-size: .9rem; color: var(--quiet); }
`;
