/** What emojivoto offers: shortcode and character, in the order of the page. */
export interface Emoji {
  readonly shortcode: string;
  readonly unicode: string;
}

const TABLE = `
joy 😂 sunglasses 😎 doughnut 🍩 stuck_out_tongue_winking_eye 😜 money_mouth_face 🤑 flushed 😳 mask 😷 nerd_face 🤓
ghost 👻 skull_and_crossbones ☠️ heart_eyes_cat 😻 hear_no_evil 🙉 see_no_evil 🙈 speak_no_evil 🙊 boy 👦 girl 👧
man 👨 woman 👩 older_man 👴 policeman 👮 guardsman 💂 construction_worker_man 👷 prince 🤴 princess 👸
man_in_tuxedo 🤵 bride_with_veil 👰 mrs_claus 🤶 santa 🎅 turkey 🦃 rabbit 🐰 no_good_woman 🙅 ok_woman 🙆
raising_hand_woman 🙋 bowing_man 🙇 man_facepalming 🤦‍♂️ woman_shrugging 🤷‍♀️ massage_woman 💆 walking_man 🚶 running_man 🏃
dancer 💃 man_dancing 🕺 dancing_women 👯 rainbow 🌈 skier ⛷ golfing_man 🏌️ surfing_man 🏄 basketball_man ⛹️
biking_man 🚴 point_up_2 👆 vulcan_salute 🖖 metal 🤘 call_me_hand 🤙 thumbsup 👍 wave 👋 clap 👏 raised_hands 🙌
pray 🙏 dog 🐶 cat2 🐈 pig 🐷 hatching_chick 🐣 snail 🐌 bacon 🥓 pizza 🍕 taco 🌮 burrito 🌯 ramen 🍜
champagne 🍾 tropical_drink 🍹 beer 🍺 tumbler_glass 🥃 world_map 🗺 beach_umbrella 🏖 mountain_snow 🏔 camping 🏕
steam_locomotive 🚂 flight_departure 🛫 rocket 🚀 star2 🌟 sun_behind_small_cloud 🌤 cloud_with_rain 🌧 fire 🔥
jack_o_lantern 🎃 balloon 🎈 tada 🎉 trophy 🏆 iphone 📱 pager 📟 fax 📠 bulb 💡 money_with_wings 💸 crystal_ball 🔮
underage 🔞 interrobang ⁉️ 100 💯 checkered_flag 🏁 crossed_swords ⚔️ floppy_disk 💾 poop 💩
`;

/** There is a way to vote for it, but the page doesn't list it. */
const UNLISTED: readonly Emoji[] = [{ shortcode: ":relaxed:", unicode: "☺️" }];

/** The 99 that ListAll gives and FindByShortcode knows. */
export const LISTED_EMOJI: readonly Emoji[] = parse(TABLE);

/** The 100 that the voting service takes votes for. */
export const VOTABLE_EMOJI: readonly Emoji[] = [...LISTED_EMOJI, ...UNLISTED];

function parse(table: string): readonly Emoji[] {
  const words = table.trim().split(/\s+/);
  return Array.from({ length: words.length / 2 }, (_, index) => ({
    shortcode: `:${words[index * 2] ?? ""}:`,
    unicode: words[index * 2 + 1] ?? "",
  }));
}

/** `:point_up_2:` → `VotePointUp2`. */
export function voteMethod(shortcode: string): string {
  const words = shortcode.replaceAll(":", "").split("_");
  return `Vote${words.map((word) => word.slice(0, 1).toUpperCase() + word.slice(1)).join("")}`;
}
