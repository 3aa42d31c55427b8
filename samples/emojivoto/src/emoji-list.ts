/** An emoji of the game. Source: the list of the published application (facts only). */
export interface Emoji {
  readonly unicode: string;
  readonly shortcode: string;
}

const LIST = `
joy 😂 sunglasses 😎 doughnut 🍩 stuck_out_tongue_winking_eye 😜 money_mouth_face 🤑 flushed 😳 mask 😷 nerd_face 🤓 ghost 👻
skull_and_crossbones ☠️ heart_eyes_cat 😻 hear_no_evil 🙉 see_no_evil 🙈 speak_no_evil 🙊 boy 👦 girl 👧 man 👨 woman 👩 older_man 👴
policeman 👮 guardsman 💂 construction_worker_man 👷 prince 🤴 princess 👸 man_in_tuxedo 🤵 bride_with_veil 👰 mrs_claus 🤶 santa 🎅
turkey 🦃 rabbit 🐰 no_good_woman 🙅 ok_woman 🙆 raising_hand_woman 🙋 bowing_man 🙇 man_facepalming 🤦‍♂️ woman_shrugging 🤷‍♀️
massage_woman 💆 walking_man 🚶 running_man 🏃 dancer 💃 man_dancing 🕺 dancing_women 👯 rainbow 🌈 skier ⛷️ golfing_man 🏌️ surfing_man 🏄
basketball_man ⛹️ biking_man 🚴 point_up_2 👆 vulcan_salute 🖖 metal 🤘 call_me_hand 🤙 thumbsup 👍 wave 👋 clap 👏 raised_hands 🙌 pray 🙏
dog 🐶 cat2 🐈 pig 🐷 hatching_chick 🐣 snail 🐌 bacon 🥓 pizza 🍕 taco 🌮 burrito 🌯 ramen 🍜 champagne 🍾 tropical_drink 🍹 beer 🍺
tumbler_glass 🥃 world_map 🗺️ beach_umbrella 🏖️ mountain_snow 🏔️ camping 🏕️ steam_locomotive 🚂 flight_departure 🛫 rocket 🚀 star2 🌟
sun_behind_small_cloud 🌤️ cloud_with_rain 🌧️ fire 🔥 jack_o_lantern 🎃 balloon 🎈 tada 🎉 trophy 🏆 iphone 📱 pager 📟 fax 📠 bulb 💡
money_with_wings 💸 crystal_ball 🔮 underage 🔞 interrobang ⁉️ 100 💯 checkered_flag 🏁 crossed_swords ⚔️ floppy_disk 💾 poop 💩
`;

const words = LIST.trim().split(/\s+/);

/** The 99 emoji that can be chosen, in the order of the page. */
export const emojiList: readonly Emoji[] = words
  .filter((_, i) => i % 2 === 0)
  .map((name, i) => ({ shortcode: `:${name}:`, unicode: words[2 * i + 1] ?? "" }));

/** Method of VotingService for a shortcode: `:point_up_2:` → `VotePointUp2`. */
export function voteMethod(shortcode: string): string {
  const parts = shortcode.replaceAll(":", "").split("_");
  return `Vote${parts.map((w) => w.charAt(0).toUpperCase() + w.slice(1)).join("")}`;
}

/** The 100 shortcodes that have a method; `:relaxed:` can be voted for but is not on the page. */
export const votable: readonly string[] = [...emojiList.map((e) => e.shortcode), ":relaxed:"];
