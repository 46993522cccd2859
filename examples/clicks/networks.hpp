// SPDX-License-Identifier: MIT
/// @file One encoder of users, items and what they clicked last, and upon it five ways to tell what is clicked and bought.
#pragma once

#include "log.hpp"

#include <espalier/autograd/logit_product.hpp>
#include <espalier/mtl/multi_task_net.hpp>
#include <espalier/mtl/sharing.hpp>
#include <espalier/mtl/sharing/aitm.hpp>
#include <espalier/mtl/sharing/on_trunk.hpp>
#include <espalier/nn/cross_network.hpp>
#include <espalier/nn/embedding_bag.hpp>
#include <espalier/nn/init.hpp>
#include <espalier/nn/sequential.hpp>
#include <espalier/nn/table.hpp>
#include <espalier/nn/target_attention.hpp>

#include <string>
#include <utility>
#include <vector>

namespace clicks {

/// - naive: the purchase is learned from what was clicked, as if that were all there is;
/// - esmm: from the click and from the click with a purchase, both of which are known of all impressions;
/// - escm2-ips: that, and the purchase where it was clicked, each by the inverse of how probable that was;
/// - escm2-dr: the same with a further head that says what the errors of the others would be;
/// - aitm: a tower for the click, and one for the click with a purchase that takes over what the first one found.
inline const std::vector<std::string> names_of_nets{"naive", "esmm", "escm2-ips", "escm2-dr", "aitm"};

/// Vectors of the item, its tags, the user and the attributes of both, and of the history what matters for the item.
class Encoder : public nn::Module<Encoder, float> {
public:
    explicit Encoder(const Catalogue& catalogue)
        : user_{vectors(catalogue.users)},
          item_{vectors(catalogue.items)},
          tags_{vectors(static_cast<Index>(catalogue.tag_names.size()))},
          attributes_{catalogue.table_inputs()},
          attention_{size, {.hidden = {16}}} {}

    [[nodiscard]] Variable<> operator()(const data::Inputs<>& inputs) {
        const auto& history = data::sequences_of(inputs, "history");
        const auto item = item_(data::indices_of(inputs, "item"));
        return autograd::cat({user_(data::indices_of(inputs, "user")), item, tags_(data::sequences_of(inputs, "tags")), attributes_(inputs),
                              attention_(item_(history.elements()), history.lengths(), item)},
                             1);
    }

    [[nodiscard]] Index width() const { return 4 * size + attributes_.width(); }

    void visit(nn::Visitor<float>& visitor) {
        for (const char* const name : {"user", "item", "tags", "history"})
            visitor.input(name);
        visitor("user", user_);
        visitor("item", item_);
        visitor("tags", tags_);
        visitor("attributes", attributes_);
        visitor("attention", attention_);
    }

private:
    static constexpr Index size = 16;

    /// Small ones: of who is hardly seen in the training little should be said.
    [[nodiscard]] static Tensor<float> vectors(Index entries) {
        Tensor<float> result{{entries, size}};
        Random random = new_random();
        nn::init::normal(result, random, 0, 0.05);
        return result;
    }

    nn::Embedding<> user_, item_;
    nn::EmbeddingBag<> tags_;
    nn::Table<> attributes_;
    nn::TargetAttention<> attention_;
};

/// Outputs are logits: `click`, `purchase` given the click, and `both`; of aitm `click` and `both`.
[[nodiscard]] inline mtl::MultiTaskNet<> make_net(const std::string& name, const Catalogue& catalogue) {
    constexpr Index features = 64, of_tower = 32;
    Encoder encoder{catalogue};
    const Index width = encoder.width();
    nn::Sequential<> trunk{nn::CrossNetwork{width, {.layers = 2, .rank = 16}}, nn::Linear{width, features}, nn::ReLU{}};
    if (name == "aitm") {
        const auto layer = [](Index in) { return [in] { return nn::Sequential<>{nn::Linear{in, of_tower}, nn::ReLU{}}; }; };
        mtl::AITM<> chain{of_tower, mtl::repeat(2, layer(features)), mtl::repeat(1, layer(of_tower))};
        return {std::move(encoder),
                mtl::OnTrunk<>{std::move(trunk), std::move(chain)},
                {{"click", nn::Linear{of_tower, 1}}, {"both", nn::Linear{of_tower, 1}}}};
    }
    const auto tower = [] { return nn::Sequential<>{nn::Linear{features, of_tower}, nn::ReLU{}, nn::Linear{of_tower, 1}}; };
    std::vector<mtl::Head<>> heads{{"click", tower()}, {"purchase", tower()}};
    if (name == "escm2-dr")
        heads.push_back({"error", tower()});
    mtl::MultiTaskNet<> net{std::move(encoder), std::move(trunk), std::move(heads)};
    net.derive("both", [](const mtl::Outputs<>& outputs) { return autograd::logit_product(outputs.at("click"), outputs.at("purchase")); });
    return net;
}

}  // namespace clicks
