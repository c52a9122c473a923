//! References against a model of maps: existence at each write, deletions that are restricted or cascade, aggregates and
//! indexes after them. Random ops on few keys, on small pages and on those of the product; both engines, measured ≤ proven.
//! A model that forgets a rule is found, so the ops reach it.

use differential::chance::Chance;
use differential::engines::{Built, Engines, Sabotage, build};
use rc_bytecode::instr::{Builtin, Failure};
use rc_vm::Outcome;
use std::collections::BTreeMap;

const TEXT: &str = "package generated

table User {
    key id: u64
    value: u64 = 0
}

table Post {
    key id: u64
    author: ref User
    editor: ref User?
    words: u64
    index by_author(author)
    index by_editor(editor, words)
    on delete author cascade take 3
}

table Comment {
    key post: ref Post ordered
    key number: u64
    answers: ref Comment?
    index by_answered(answers)
    on delete post cascade take 4
}

aggregate words = sum(Post.words) by author
aggregate posts = count(Post)
aggregate comments = count(Comment) by post
aggregate longest = max(Post.words) by editor
invariant for a: words[a] <= 60

command user(id: u64) allow anyone { User.insert({ id }) }
command post(id: u64, author: u64, editor: u64, written: u64) allow anyone {
    if editor == 0 {
        Post.insert({ id, author, words: written })
    } else {
        Post.insert({ id, author, editor, words: written })
    }
}
command put(id: u64, author: u64, written: u64) allow anyone {
    Post.put({ id, author, words: written })
}
command get(id: u64, author: u64, written: u64) allow anyone {
    let found = Post.get_or_insert(id, { author, words: written })
    found.words = written
}
command write(id: u64, author: u64) allow anyone {
    let found = Post.get(id) else return
    found.author = author
}
command edit(id: u64, editor: u64) allow anyone {
    let found = Post.get(id) else return
    found.editor = editor
}
command touch_author(id: u64) allow anyone {
    let found = Post.get(id) else return
    let user = found.author.row
    user.value += 1
}
command comment(on_post: u64, number: u64) allow anyone {
    Comment.insert({ post: on_post, number })
}
command answer(on_post: u64, number: u64, to: u64) allow anyone {
    Comment.insert({ post: on_post, number, answers: (on_post, to) })
}
command no_user(id: u64) -> bool allow anyone { User.delete(id) }
command no_post(id: u64) -> bool allow anyone { Post.delete(id) }
command no_comment(on_post: u64, number: u64) -> bool allow anyone { Comment.delete(on_post, number) }
query words_of(author: u64) -> u128 allow anyone { words[author] }
query longest_of(editor: u64) -> u64 allow anyone { longest[editor] ?? 999 }
query counts(of: u64) -> (u64, u64) allow anyone { (posts, comments[of]) }
query value_of(id: u64) -> u64 allow anyone {
    let found = Post.get(id) else return 999
    found.author.row.value
}
query written_by(author: u64) -> list<u64, 40> allow anyone {
    [post.id for post in Post.by_author(author) take 40]
}
";

/// A rule that the model forgets on purpose.
#[derive(Clone, Copy, PartialEq)]
enum Forgets {
    Nothing,
    Existence,
    Restriction,
    Bound,
    Cascade,
    Groups,
}

#[derive(Clone, Default)]
struct Post {
    author: u64,
    editor: Option<u64>,
    words: u64,
}

#[derive(Clone, Default)]
struct Model {
    users: BTreeMap<u64, u64>,
    posts: BTreeMap<u64, Post>,
    comments: BTreeMap<(u64, u64), Option<(u64, u64)>>,
}

type Ended = Result<Vec<u8>, Builtin>;

impl Model {
    fn words(&self, author: u64) -> u64 {
        let of = self.posts.values().filter(|post| post.author == author);
        of.map(|post| post.words).sum()
    }

    fn write(&mut self, id: u64, post: Post, forgets: Forgets) -> Result<(), Builtin> {
        let there = self.users.contains_key(&post.author)
            && post
                .editor
                .is_none_or(|editor| self.users.contains_key(&editor));
        self.posts.insert(id, post);
        if there || forgets == Forgets::Existence {
            Ok(())
        } else {
            Err(Builtin::InvariantBroken)
        }
    }

    fn delete_comment(&mut self, key: (u64, u64), forgets: Forgets) -> Result<bool, Builtin> {
        let was_there = self.comments.remove(&key).is_some();
        let left = self.comments.values().any(|answers| *answers == Some(key));
        if was_there && left && forgets != Forgets::Restriction {
            return Err(Builtin::StillReferenced);
        }
        Ok(was_there)
    }

    fn delete_post(&mut self, id: u64, forgets: Forgets) -> Result<bool, Builtin> {
        let was_there = self.posts.remove(&id).is_some();
        if !was_there {
            return Ok(false);
        }
        let keys: Vec<_> = self
            .comments
            .range((id, 0)..=(id, u64::MAX))
            .map(|(key, _)| *key)
            .collect();
        for key in keys.iter().take(4) {
            if forgets != Forgets::Cascade {
                self.delete_comment(*key, forgets)?;
            }
        }
        if keys.len() > 4 && forgets != Forgets::Bound {
            return Err(Builtin::StillReferenced);
        }
        Ok(true)
    }

    fn delete_user(&mut self, id: u64, forgets: Forgets) -> Result<bool, Builtin> {
        if self.users.remove(&id).is_none() {
            return Ok(false);
        }
        let of = |post: &&Post| post.author == id;
        let keys: Vec<u64> = self
            .posts
            .iter()
            .filter(|(_, post)| of(post))
            .map(|(key, _)| *key)
            .collect();
        for key in keys.iter().take(3) {
            self.delete_post(*key, forgets)?;
        }
        let edits = self.posts.values().any(|post| post.editor == Some(id));
        if (keys.len() > 3 && forgets != Forgets::Bound)
            || (edits && forgets != Forgets::Restriction)
        {
            return Err(Builtin::StillReferenced);
        }
        Ok(true)
    }

    fn change(&mut self, name: &str, a: &[u64], forgets: Forgets) -> Ended {
        let said = |said: bool| Ok(vec![u8::from(said)]);
        let done = |()| Vec::new();
        match name {
            "user" => match self.users.insert(a[0], 0) {
                None => Ok(Vec::new()),
                Some(_) => Err(Builtin::AlreadyExists),
            },
            "post" => {
                if self.posts.contains_key(&a[0]) {
                    return Err(Builtin::AlreadyExists);
                }
                let editor = (a[2] != 0).then_some(a[2]);
                let post = Post {
                    author: a[1],
                    editor,
                    words: a[3],
                };
                self.write(a[0], post, forgets).map(done)
            }
            "put" => {
                let post = Post {
                    author: a[1],
                    editor: None,
                    words: a[2],
                };
                self.write(a[0], post, forgets).map(done)
            }
            "get" => {
                let post = match self.posts.get(&a[0]) {
                    Some(post) => Post {
                        words: a[2],
                        ..post.clone()
                    },
                    None => Post {
                        author: a[1],
                        editor: None,
                        words: a[2],
                    },
                };
                self.write(a[0], post, forgets).map(done)
            }
            "write" | "edit" => {
                let Some(mut post) = self.posts.get(&a[0]).cloned() else {
                    return Ok(Vec::new());
                };
                match name {
                    "write" => post.author = a[1],
                    _ => post.editor = Some(a[1]),
                }
                self.write(a[0], post, forgets).map(done)
            }
            "touch_author" => {
                if let Some(value) = self
                    .posts
                    .get(&a[0])
                    .and_then(|post| self.users.get_mut(&post.author))
                {
                    *value += 1;
                }
                Ok(Vec::new())
            }
            "comment" | "answer" => {
                let answers = (name == "answer").then(|| (a[0], a[2]));
                if self.comments.insert((a[0], a[1]), answers).is_some() {
                    return Err(Builtin::AlreadyExists);
                }
                let there = self.posts.contains_key(&a[0])
                    && answers.is_none_or(|answers| self.comments.contains_key(&answers));
                if there || forgets == Forgets::Existence {
                    Ok(Vec::new())
                } else {
                    Err(Builtin::InvariantBroken)
                }
            }
            "no_user" => self.delete_user(a[0], forgets).and_then(said),
            "no_post" => self.delete_post(a[0], forgets).and_then(said),
            "no_comment" => self.delete_comment((a[0], a[1]), forgets).and_then(said),
            other => panic!("{other}?"),
        }
    }

    fn call(&mut self, name: &str, arguments: &[u64], forgets: Forgets) -> Ended {
        let before = self.clone();
        let mut ended = self.change(name, arguments, forgets);
        let broken = self.users.keys().any(|author| self.words(*author) > 60);
        if ended.is_ok() && broken && forgets != Forgets::Groups {
            ended = Err(Builtin::InvariantBroken);
        }
        if ended.is_err() {
            *self = before;
        }
        ended
    }

    /// What the queries say about a number, as a user's, a post's and an editor's.
    fn look(&self, id: u64) -> Vec<(&'static str, Vec<u8>)> {
        let longest = self.posts.values().filter(|post| post.editor == Some(id));
        let longest = longest.map(|post| post.words).max().unwrap_or(999);
        let comments = self.comments.keys().filter(|(post, _)| *post == id).count() as u64;
        let value = self.posts.get(&id).map_or(999, |post| {
            self.users.get(&post.author).copied().unwrap_or(0)
        });
        let written: Vec<u64> = self
            .posts
            .iter()
            .filter(|(_, post)| post.author == id)
            .map(|(key, _)| *key)
            .collect();
        let mut list = (written.len() as u32).to_le_bytes().to_vec();
        written.iter().for_each(|id| list.extend(id.to_le_bytes()));
        let counts = [self.posts.len() as u64, comments]
            .map(u64::to_le_bytes)
            .concat();
        vec![
            (
                "words_of",
                u128::from(self.words(id)).to_le_bytes().to_vec(),
            ),
            ("longest_of", longest.to_le_bytes().to_vec()),
            ("counts", counts),
            ("value_of", value.to_le_bytes().to_vec()),
            ("written_by", list),
        ]
    }
}

fn run(
    built: &Built,
    engines: &mut Engines<'_>,
    name: &str,
    arguments: &[u64],
) -> Result<Ended, String> {
    let commands = &built.module.module().interface.commands;
    let number = commands
        .iter()
        .position(|command| command.name == name)
        .expect("a command");
    let packed: Vec<u8> = arguments
        .iter()
        .flat_map(|word| word.to_le_bytes())
        .collect();
    let answer = engines.call(number as u32, &packed, 1)?;
    Ok(match answer.outcome {
        Outcome::Done(bytes) => Ok(bytes),
        Outcome::Failed(Failure::Builtin(builtin), _) => Err(builtin),
        other => panic!("{name}{arguments:?}: {other:?}"),
    })
}

fn play(
    page_shift: u8,
    seed: u64,
    ops: usize,
    forgets: Forgets,
) -> Result<BTreeMap<String, u64>, String> {
    let built = build(TEXT, Some(page_shift), Sabotage::None)?;
    let (mut engines, mut model, mut chance) =
        (Engines::new(&built), Model::default(), Chance(seed));
    let mut met = BTreeMap::new();
    for op in 0..ops {
        let id = |chance: &mut Chance| chance.between(1, 6) as u64;
        let name = *chance.pick(&[
            "user",
            "user",
            "post",
            "post",
            "put",
            "get",
            "write",
            "edit",
            "touch_author",
            "comment",
            "comment",
            "comment",
            "answer",
            "no_user",
            "no_post",
            "no_comment",
            "no_comment",
        ]);
        let few = chance.between(0, 25) as u64;
        let (one, two) = (id(&mut chance), id(&mut chance));
        let arguments: Vec<u64> = match name {
            "post" => vec![one, two, chance.below(5) as u64, few],
            "put" | "get" => vec![one, two, few],
            "answer" => vec![one, two, id(&mut chance)],
            "write" | "edit" | "comment" | "no_comment" => vec![one, two],
            _ => vec![one],
        };
        let wanted = model.call(name, &arguments, forgets);
        let have = run(&built, &mut engines, name, &arguments)?;
        *met.entry(format!("{name}: {:?}", wanted.as_ref().err()))
            .or_default() += 1;
        if have != wanted {
            return Err(format!(
                "op {op}, {name}{arguments:?}: engines {have:?}, model {wanted:?}"
            ));
        }
        let about = id(&mut chance);
        for (query, wanted) in model.look(about) {
            let have = run(&built, &mut engines, query, &[about])?;
            if have != Ok(wanted.clone()) {
                return Err(format!(
                    "op {op}, after {name}{arguments:?}, {query}({about}): {have:?}, model {wanted:?}"
                ));
            }
        }
    }
    engines.compare_pages()?;
    Ok(met)
}

#[test]
fn references_agree_with_maps() {
    for (page_shift, seed, ops) in [(9, 1, 3_000), (9, 2, 3_000), (14, 3, 1_500)] {
        let met = play(page_shift, seed, ops, Forgets::Nothing)
            .unwrap_or_else(|reason| panic!("seed {seed}: {reason}"));
        for wanted in [
            "no_user: Some(StillReferenced)",
            "no_post: Some(StillReferenced)",
            "no_comment: Some(StillReferenced)",
            "no_user: None",
            "no_post: None",
            "write: Some(InvariantBroken)",
            "answer: Some(InvariantBroken)",
        ] {
            assert!(
                met.contains_key(wanted),
                "seed {seed} never met {wanted}: {met:?}"
            );
        }
    }
}

#[test]
fn a_model_that_forgets_a_rule_is_found() {
    for forgets in [
        Forgets::Existence,
        Forgets::Restriction,
        Forgets::Bound,
        Forgets::Cascade,
        Forgets::Groups,
    ] {
        assert!(
            play(9, 1, 3_000, forgets).is_err(),
            "a forgotten rule goes unseen"
        );
    }
}
