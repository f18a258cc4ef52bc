//! Reads from a file what the rules ask: what it names (the trees of `use`, paths in code, and paths
//! among the tokens of macros and attributes), and its functions.

use proc_macro2::{Delimiter, TokenStream, TokenTree};
use quote::ToTokens as _;
use syn::{
    Attribute, Block, Expr, ExprLit, ImplItemFn, ItemFn, ItemMod, ItemUse, Lit, Macro, Meta, Path,
    Signature, TraitItemFn, UseTree, VisRestricted,
    spanned::Spanned as _,
    visit::{self, Visit},
};

/// A path of more than one name, or one that `use` names.
#[derive(Debug)]
pub(super) struct Mention {
    /// The module that it stands in.
    pub(super) module: Vec<String>,
    pub(super) path: Vec<String>,
    pub(super) line: usize,
    /// Among the tokens of a macro, of which nobody else knows what it makes.
    pub(super) in_macro: bool,
}

/// A function with a body.
#[derive(Debug)]
pub(super) struct Function {
    pub(super) name: String,
    pub(super) line: usize,
    pub(super) lines: usize,
    /// The lines of its doc comment.
    pub(super) doc: Vec<String>,
}

/// A name in a module.
pub(super) type Name = (Vec<String>, String);

/// What a file holds.
#[derive(Default)]
pub(super) struct Read {
    pub(super) mentions: Vec<Mention>,
    /// Its module, and those that it writes out within itself.
    pub(super) modules: Vec<Vec<String>>,
    /// What `use` binds: in which module, by which name, to which path.
    pub(super) bound: Vec<(Name, Vec<String>)>,
    pub(super) functions: Vec<Function>,
    /// The lines that name `MasterKey`.
    pub(super) master_key: Vec<usize>,
}

/// Reads a file that is `module`.
pub(super) fn read(ast: &syn::File, module: &[String]) -> Read {
    let mut reader = Reader { module: module.to_vec(), read: Read::default() };
    reader.read.modules.push(module.to_vec());
    reader.visit_file(ast);
    lines_of("MasterKey", ast.to_token_stream(), &mut reader.read.master_key);
    reader.read
}

/// Where a name stands, in code and in macros; comments are none of either.
fn lines_of(name: &str, tokens: TokenStream, out: &mut Vec<usize>) {
    for token in tokens {
        match token {
            TokenTree::Group(group) => lines_of(name, group.stream(), out),
            TokenTree::Ident(ident) if ident == name => out.push(ident.span().start().line),
            _ => {}
        }
    }
}

struct Reader {
    module: Vec<String>,
    read: Read,
}

impl Reader {
    fn mention(&mut self, path: Vec<String>, line: usize) {
        self.read.mentions.push(Mention {
            module: self.module.clone(),
            path,
            line,
            in_macro: false,
        });
    }

    fn mention_in_macro(&mut self, path: Vec<String>, line: usize) {
        self.read.mentions.push(Mention {
            module: self.module.clone(),
            path,
            line,
            in_macro: true,
        });
    }

    fn bind(&mut self, name: String, path: Vec<String>) {
        self.read.bound.push(((self.module.clone(), name), path));
    }

    fn use_tree(&mut self, prefix: &[String], tree: &UseTree) {
        let with = |name: &str| -> Vec<String> {
            prefix.iter().cloned().chain([name.to_owned()]).collect()
        };
        let line = tree.span().start().line;
        match tree {
            UseTree::Path(path) => self.use_tree(&with(&path.ident.to_string()), &path.tree),
            UseTree::Group(group) => {
                group.items.iter().for_each(|tree| self.use_tree(prefix, tree))
            }
            UseTree::Glob(_) => self.mention(prefix.to_vec(), line),
            UseTree::Name(name) => self.used(with(&name.ident.to_string()), None, line),
            UseTree::Rename(rename) => {
                self.used(with(&rename.ident.to_string()), Some(rename.rename.to_string()), line);
            }
        }
    }

    fn used(&mut self, mut path: Vec<String>, name: Option<String>, line: usize) {
        // `a::{self}` is `a`.
        if path.len() > 1 && path.last().is_some_and(|last| last == "self") {
            path.pop();
        }
        let name = name.or_else(|| path.last().cloned());
        self.bind(name.unwrap_or_default(), path.clone());
        self.mention(path, line);
    }

    /// The paths among `tokens`, which are no syntax that anybody but a macro knows.
    fn tokens(&mut self, prefix: &[String], tokens: TokenStream) {
        let tokens: Vec<TokenTree> = tokens.into_iter().collect();
        let separates = |at: usize| {
            let colon = |at: usize| matches!(tokens.get(at), Some(TokenTree::Punct(punct)) if punct.as_char() == ':');
            colon(at) && colon(at + 1)
        };
        let mut at = 0;
        while let Some(token) = tokens.get(at) {
            let line = token.span().start().line;
            at += 1;
            match token {
                TokenTree::Group(group) => self.tokens(&[], group.stream()),
                TokenTree::Ident(first) => {
                    let mut path: Vec<String> =
                        prefix.iter().cloned().chain([first.to_string()]).collect();
                    while let Some(TokenTree::Ident(next)) =
                        tokens.get(at + 2).filter(|_| separates(at))
                    {
                        path.push(next.to_string());
                        at += 3;
                    }
                    match tokens.get(at + 2).filter(|_| separates(at)) {
                        Some(TokenTree::Group(group)) if group.delimiter() == Delimiter::Brace => {
                            self.tokens(&path, group.stream());
                            at += 3;
                        }
                        _ if path.len() > 1 => self.mention_in_macro(path, line),
                        _ => {}
                    }
                }
                TokenTree::Punct(_) | TokenTree::Literal(_) => {}
            }
        }
    }

    /// The paths in strings, as serde takes them.
    fn strings(&mut self, tokens: TokenStream) {
        for token in tokens {
            match token {
                TokenTree::Group(group) => self.strings(group.stream()),
                TokenTree::Literal(literal) => {
                    let path = syn::parse_str::<syn::LitStr>(&literal.to_string())
                        .map(|text| text.parse::<Path>());
                    if let Ok(Ok(path)) = path {
                        self.path(&path, literal.span().start().line);
                    }
                }
                TokenTree::Ident(_) | TokenTree::Punct(_) => {}
            }
        }
    }

    fn path(&mut self, path: &Path, line: usize) {
        let names: Vec<String> =
            path.segments.iter().map(|segment| segment.ident.to_string()).collect();
        if names.len() > 1 {
            self.mention(names, line);
        }
    }

    fn function(&mut self, attributes: &[Attribute], signature: &Signature, block: &Block) {
        let (line, end) = (signature.span().start().line, block.span().end().line);
        let doc = attributes.iter().filter_map(doc_line).collect();
        self.read.functions.push(Function {
            name: signature.ident.to_string(),
            line,
            lines: end + 1 - line,
            doc,
        });
    }
}

fn doc_line(attribute: &Attribute) -> Option<String> {
    let Meta::NameValue(pair) = &attribute.meta else { return None };
    match &pair.value {
        Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) if pair.path.is_ident("doc") => {
            Some(text.value())
        }
        _ => None,
    }
}

impl<'ast> Visit<'ast> for Reader {
    fn visit_item_use(&mut self, item: &'ast ItemUse) {
        self.use_tree(&[], &item.tree);
    }

    fn visit_item_mod(&mut self, item: &'ast ItemMod) {
        if item.content.is_none() {
            return;
        }
        self.module.push(item.ident.to_string());
        self.read.modules.push(self.module.clone());
        visit::visit_item_mod(self, item);
        self.module.pop();
    }

    fn visit_item_fn(&mut self, function: &'ast ItemFn) {
        self.function(&function.attrs, &function.sig, &function.block);
        visit::visit_item_fn(self, function);
    }

    fn visit_impl_item_fn(&mut self, function: &'ast ImplItemFn) {
        self.function(&function.attrs, &function.sig, &function.block);
        visit::visit_impl_item_fn(self, function);
    }

    fn visit_trait_item_fn(&mut self, function: &'ast TraitItemFn) {
        if let Some(block) = &function.default {
            self.function(&function.attrs, &function.sig, block);
        }
        visit::visit_trait_item_fn(self, function);
    }

    fn visit_path(&mut self, path: &'ast Path) {
        self.path(path, path.span().start().line);
        visit::visit_path(self, path);
    }

    /// `pub(in crate::web)` imports nothing.
    fn visit_vis_restricted(&mut self, _: &'ast VisRestricted) {}

    fn visit_macro(&mut self, call: &'ast Macro) {
        self.tokens(&[], call.tokens.clone());
        visit::visit_macro(self, call);
    }

    fn visit_attribute(&mut self, attribute: &'ast Attribute) {
        if let Meta::List(list) = &attribute.meta {
            self.tokens(&[], list.tokens.clone());
            self.strings(list.tokens.clone());
        }
        visit::visit_attribute(self, attribute);
    }
}
